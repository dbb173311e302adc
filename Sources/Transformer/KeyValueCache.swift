internal import CKernels
internal import Decoding

/// The keys and values of many sequences, in blocks of `FT_KV_BLOCK` positions.
///
/// A block holds its positions for every layer and every key/value head, so that a sequence grows
/// and shrinks by one pointer. Rolling back is exact: it lowers the length and gives back the blocks
/// past it; what a kept block holds past the length is written again before it is read.
final class KeyValueCache {
  private let layerCount: Int
  private let headCount: Int
  private let headSize: Int
  private let contextLength: Int
  private var sequences: [Int: CachedSequence] = [:]
  private var nextIndex = 0
  private var freeBlocks: [AlignedBuffer] = []

  /// Positions in a block.
  static let blockLength = Int(FT_KV_BLOCK)

  init(_ configuration: LlamaConfiguration) {
    layerCount = configuration.layerCount
    headCount = configuration.keyValueHeadCount
    headSize = configuration.headSize
    contextLength = configuration.contextLength
  }

  func open() -> SequenceID {
    let capacity = (contextLength + Self.blockLength - 1) / Self.blockLength
    sequences[nextIndex] = CachedSequence(
      lanes: layerCount * headCount, blockCapacity: capacity,
      laneFloats: 2 * Self.blockLength * headSize)
    nextIndex += 1
    return SequenceID(index: nextIndex - 1)
  }

  /// A sequence with a copy of what `id` holds.
  ///
  /// Copied, not shared: a prompt's keys and values are read from memory faster than one layer of it
  /// is computed, and no block ever has two owners.
  ///
  /// - Throws: `outOfMemory`; then no sequence was opened.
  func fork(_ id: SequenceID) throws(ModelError) -> SequenceID {
    let fork = open()
    guard let source = sequence(id), let copy = sequence(fork) else { return fork }
    do {
      try reserve(source.length, in: copy)
    } catch {
      close(fork)
      throw error
    }
    copy.copy(source)
    return fork
  }

  func close(_ id: SequenceID) {
    if let sequence = sequences.removeValue(forKey: id.index) {
      freeBlocks.append(contentsOf: sequence.blocks)
    }
  }

  /// The sequence, or nil when `id` is closed or of another model.
  func sequence(_ id: SequenceID) -> CachedSequence? { sequences[id.index] }

  /// Makes room for `count` more positions without changing the length.
  ///
  /// - Throws: `mismatch` past the context length, `outOfMemory`.
  func reserve(_ count: Int, in sequence: CachedSequence) throws(ModelError) {
    let needed = sequence.length + count
    guard needed <= contextLength else {
      throw ModelError(
        .mismatch, path: "context",
        problem: "\(needed) tokens do not fit the model's context of \(contextLength)")
    }
    while sequence.blocks.count * Self.blockLength < needed {
      if let block = freeBlocks.popLast() {
        sequence.append(block)
      } else {
        sequence.append(try newBlock())
      }
    }
  }

  /// Forgets the positions from `length` on.
  func rewind(_ sequence: CachedSequence, to length: Int) {
    sequence.length = length
    let kept = (length + Self.blockLength - 1) / Self.blockLength
    while sequence.blocks.count > kept { freeBlocks.append(sequence.removeLast()) }
  }

  private func newBlock() throws(ModelError) -> AlignedBuffer {
    try AlignedBuffer(
      floats: layerCount * headCount * 2 * Self.blockLength * headSize, purpose: "key/value cache")
  }
}

/// One sequence's blocks, and for each (layer, head) the table of pointers that attention reads.
final class CachedSequence {
  fileprivate(set) var length = 0
  fileprivate private(set) var blocks: [AlignedBuffer] = []
  private let lanes: Int  // layers * kv heads
  private let blockCapacity: Int
  private let laneFloats: Int  // floats of one (layer, head) in a block
  /// `(lanes, blockCapacity)`.
  private let table: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>

  fileprivate init(lanes: Int, blockCapacity: Int, laneFloats: Int) {
    self.lanes = lanes
    self.blockCapacity = blockCapacity
    self.laneFloats = laneFloats
    table = .allocate(capacity: lanes * blockCapacity)
    table.initialize(repeating: nil, count: lanes * blockCapacity)
  }

  deinit { table.deallocate() }

  /// The blocks of one (layer, head): block b holds positions `b * blockLength ..<`.
  func blockTable(lane: Int) -> UnsafeMutablePointer<UnsafeMutablePointer<Float>?> {
    table + lane * blockCapacity
  }

  func advance(by count: Int) { length += count }

  fileprivate func append(_ block: AlignedBuffer) {
    for lane in 0..<lanes {
      table[lane * blockCapacity + blocks.count] = block.floats + lane * laneFloats
    }
    blocks.append(block)
  }

  fileprivate func removeLast() -> AlignedBuffer { blocks.removeLast() }

  /// Takes over the positions of `other`; there are blocks enough.
  fileprivate func copy(_ other: CachedSequence) {
    for (block, source) in zip(blocks, other.blocks) {
      block.pointer.copyMemory(from: source.pointer, byteCount: block.byteCount)
    }
    length = other.length
  }
}
