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
  private let streaming: StreamingAttention?
  private var sequences: [Int: CachedSequence] = [:]
  private var nextIndex = 0
  private var freeBlocks: [AlignedBuffer] = []

  /// Positions in a block.
  static let blockLength = Int(FT_KV_BLOCK)

  init(_ configuration: LlamaConfiguration) {
    layerCount = configuration.layerCount
    headCount = configuration.keyValueHeadCount
    headSize = configuration.headSize
    contextLength = configuration.longestSequence
    streaming = configuration.streaming
  }

  func open() -> SequenceID {
    sequences[nextIndex] = CachedSequence(
      lanes: layerCount * headCount, laneFloats: 2 * Self.blockLength * headSize)
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
      freeBlocks.append(contentsOf: sequence.blocks.compactMap(\.self))
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
    if let streaming {
      let past = sequence.length - StreamingAttention.rewindable
      let first = streaming.firstBlock(seenFrom: max(0, past))
      while sequence.firstKept < first {
        if let block = sequence.dropFirstKept() { freeBlocks.append(block) }
      }
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
  ///
  /// - Precondition: what the next token sees is still there (`StreamingAttention.rewindable`).
  func rewind(_ sequence: CachedSequence, to length: Int) {
    precondition(
      sequence.firstKept == 1
        || sequence.firstKept <= streaming?.firstBlock(seenFrom: length) ?? 1,
      "rewind by \(sequence.length - length) positions")
    sequence.length = length
    let kept = (length + Self.blockLength - 1) / Self.blockLength
    while sequence.blocks.count > kept {
      if let block = sequence.removeLast() { freeBlocks.append(block) }
    }
  }

  private func newBlock() throws(ModelError) -> AlignedBuffer {
    let block = try AlignedBuffer(
      floats: layerCount * headCount * 2 * Self.blockLength * headSize, purpose: "key/value cache")
    byteCount += block.byteCount
    return block
  }

  /// Bytes of all blocks, free ones too.
  private(set) var byteCount = 0
}

/// One sequence's blocks, and for each (layer, head) the table of pointers that attention reads.
final class CachedSequence {
  fileprivate(set) var length = 0
  /// Nil are those that no token will see again.
  fileprivate private(set) var blocks: [AlignedBuffer?] = []
  /// The first block after the very first that is there.
  fileprivate private(set) var firstKept = 1
  private let lanes: Int  // layers * kv heads
  private var blockCapacity = 16
  private let laneFloats: Int  // floats of one (layer, head) in a block
  /// `(lanes, blockCapacity)`.
  private var table: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>

  fileprivate init(lanes: Int, laneFloats: Int) {
    self.lanes = lanes
    self.laneFloats = laneFloats
    table = .allocate(capacity: lanes * blockCapacity)
    table.initialize(repeating: nil, count: lanes * blockCapacity)
  }

  deinit { table.deallocate() }

  /// The blocks of one (layer, head): block b holds positions `b * blockLength ..<`. Good until the
  /// sequence grows.
  func blockTable(lane: Int) -> UnsafeMutablePointer<UnsafeMutablePointer<Float>?> {
    table + lane * blockCapacity
  }

  func advance(by count: Int) { length += count }

  fileprivate func append(_ block: AlignedBuffer) {
    if blocks.count == blockCapacity { growTable() }
    for lane in 0..<lanes {
      table[lane * blockCapacity + blocks.count] = block.floats + lane * laneFloats
    }
    blocks.append(block)
  }

  private func growTable() {
    let (old, oldCapacity) = (table, blockCapacity)
    blockCapacity *= 2
    table = .allocate(capacity: lanes * blockCapacity)
    table.initialize(repeating: nil, count: lanes * blockCapacity)
    for lane in 0..<lanes {
      (table + lane * blockCapacity).update(from: old + lane * oldCapacity, count: oldCapacity)
    }
    old.deallocate()
  }

  fileprivate func removeLast() -> AlignedBuffer? {
    let block = blocks.removeLast()
    if blocks.count <= 1 { firstKept = 1 }
    return block
  }

  fileprivate func dropFirstKept() -> AlignedBuffer? {
    let block = blocks[firstKept]
    blocks[firstKept] = nil
    firstKept += 1
    return block
  }

  /// Takes over the positions of `other`; there are blocks enough.
  fileprivate func copy(_ other: CachedSequence) {
    for case (let block?, let source?) in zip(blocks, other.blocks) {
      block.pointer.copyMemory(from: source.pointer, byteCount: block.byteCount)
    }
    length = other.length
  }
}
