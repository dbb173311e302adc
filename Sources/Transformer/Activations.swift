internal import CKernels

/// Scratch memory of a forward pass over at most `rowCapacity` tokens, reused by every pass.
struct Activations {
  let rowCapacity: Int
  /// `(rows, hidden)`: the residual stream.
  let residual: UnsafeMutablePointer<Float>
  /// `(rows, hidden)`: what the norm before a matrix leaves.
  let normed: UnsafeMutablePointer<Float>
  /// `(rows, queryKeyValue.rows)`: q, k and v of each token.
  let queryKeyValue: UnsafeMutablePointer<Float>
  /// `(rows, heads * headSize)`: what attention gathers.
  let attention: UnsafeMutablePointer<Float>
  /// `(rows, gateUp.rows)`.
  let gateUp: UnsafeMutablePointer<Float>
  /// `(rows, intermediate)`.
  let gated: UnsafeMutablePointer<Float>
  /// `(rows, hidden)`: what a matrix adds to the residual stream.
  let update: UnsafeMutablePointer<Float>
  /// `(rotaries, rows, rotarySize / 2)` each.
  let cosine: UnsafeMutablePointer<Float>
  let sine: UnsafeMutablePointer<Float>
  /// `(workers, scoresPerWorker)`: the queries and scores of attention.
  let scores: UnsafeMutablePointer<Float>
  let scoresPerWorker: Int

  let streaming: StreamingScratch?

  private let memory: [AlignedBuffer]

  /// - Parameter rotaries: kinds of rotations that layers have.
  init(
    weights: LlamaWeights, rotaries: Int, rowCapacity: Int, workers: Int
  ) throws(ModelError) {
    let c = weights.configuration
    var memory: [AlignedBuffer] = []
    func floats(_ count: Int) throws(ModelError) -> UnsafeMutablePointer<Float> {
      let buffer = try AlignedBuffer(floats: count, purpose: "activations")
      memory.append(buffer)
      return buffer.floats
    }
    // Positions are counted from the beginning of a block.
    let scoresPerWorker = ft_attention_scratch(
      Int32(c.headSize), Int32(c.contextLength + KeyValueCache.blockLength))
    streaming = try c.streaming.map { (streaming) throws(ModelError) in
      try StreamingScratch(streaming, headSize: c.headSize, workers: workers)
    }
    residual = try floats(rowCapacity * c.hiddenSize)
    normed = try floats(rowCapacity * c.hiddenSize)
    queryKeyValue = try floats(rowCapacity * (weights.layers.first?.queryKeyValue.rows ?? 0))
    attention = try floats(rowCapacity * c.querySize)
    gateUp = try floats(rowCapacity * (weights.layers.first?.gateUp.rows ?? 0))
    gated = try floats(rowCapacity * c.intermediateSize)
    update = try floats(rowCapacity * c.hiddenSize)
    cosine = try floats(rotaries * rowCapacity * c.rotarySize / 2)
    sine = try floats(rotaries * rowCapacity * c.rotarySize / 2)
    scores = try floats(workers * scoresPerWorker)
    self.scoresPerWorker = scoresPerWorker
    self.rowCapacity = rowCapacity
    self.memory = memory
  }
}
