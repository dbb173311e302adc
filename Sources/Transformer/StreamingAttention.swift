internal import CKernels

/// Attention to the beginning of a text and to its latest positions, so that it can be longer than
/// the context of the model (StreamingLLM, arXiv 2309.17453, section 3; LM-Infinite, 2308.16137).
///
/// A token sees the first block of the cache and the window, as if nothing had been between them: the
/// keys of the first block are rotated to just before the window, so that no distance is larger than
/// those in training. The window moves by whole blocks. What a token sees therefore depends on its
/// position alone: a batch changes no bit, and a sequence that was rewound is one that never went on.
package struct StreamingAttention: Equatable, Sendable {
  /// Blocks of the window; the last of them is that of the token.
  let windowBlocks: Int

  /// A sequence can go back by as many positions.
  static let rewindable = 512
  /// Positions are counted in 32 bits, and in files of traces and answers by people.
  static let longest = 1 << 24

  /// The widest window of at most `positions` that a context has room for beside the first block.
  ///
  /// - Returns: nil where that is not one block.
  package init?(window positions: Int, contextLength: Int) {
    let block = KeyValueCache.blockLength
    let most = contextLength / block - 1
    windowBlocks = min(positions / block, most)
    guard windowBlocks >= 1 else { return nil }
  }

  /// The first block of the window of a token: never the first of all, which is always seen.
  func firstBlock(seenFrom position: Int) -> Int {
    max(1, position / KeyValueCache.blockLength - windowBlocks + 1)
  }

  /// Whether a token sees all before it.
  func seesAll(from position: Int) -> Bool { firstBlock(seenFrom: position) == 1 }
}

/// What a worker needs to put together what a token sees.
struct StreamingScratch {
  /// `(workers, floatsPerWorker)`: a block, cosines and sines.
  let floats: UnsafeMutablePointer<Float>
  let floatsPerWorker: Int
  /// `(workers, blocksPerWorker)`
  let blocks: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
  let blocksPerWorker: Int
  private let memory: [AlignedBuffer]

  init(_ streaming: StreamingAttention, headSize: Int, workers: Int) throws(ModelError) {
    floatsPerWorker = (2 * KeyValueCache.blockLength + 1) * headSize
    blocksPerWorker = streaming.windowBlocks + 1
    let floats = try AlignedBuffer(floats: workers * floatsPerWorker, purpose: "activations")
    let blocks = try AlignedBuffer(
      byteCount: workers * blocksPerWorker * MemoryLayout<UnsafeMutablePointer<Float>?>.stride,
      purpose: "activations")
    self.floats = floats.floats
    self.blocks = blocks.pointer.assumingMemoryBound(to: UnsafeMutablePointer<Float>?.self)
    memory = [floats, blocks]
  }

  /// Lets `attention` see what the token at `position` sees.
  ///
  /// - Parameters:
  ///   - table: the blocks of the lane.
  ///   - token: which one of the call's it is.
  func restrict(
    _ attention: inout ft_attention, to position: Int, token: Int, by streaming: StreamingAttention,
    _ table: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>, _ rotary: RotaryEmbedding,
    worker: Int
  ) {
    let first = streaming.firstBlock(seenFrom: position)
    let shift = (first - 1) * KeyValueCache.blockLength
    let block = floats + worker * floatsPerWorker
    let cosine = block + 2 * KeyValueCache.blockLength * Int(attention.head_dim)
    let sine = cosine + rotary.pairs
    rotary.turn(by: shift, cosine: cosine, sine: sine)
    ft_kv_rotate(
      table[0], attention.head_dim, Int32(2 * rotary.pairs), cosine, sine, block)
    let seen = blocks + worker * blocksPerWorker
    seen[0] = block
    for index in first...position / KeyValueCache.blockLength {
      seen[index - first + 1] = table[index]
    }
    attention.blocks = UnsafePointer(seen)
    attention.last = Int32(position + 1 - shift - token)
  }
}
