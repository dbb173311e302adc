internal import CKernels
package import Decoding

/// A Llama-family decoder: the one forward primitive over slices of sequences.
///
/// Every row is computed by the same chain of operations whatever else is in the batch and however
/// many workers there are, so `forward(n tokens)[i]` equals `forward(1 token)` bit for bit.
/// One thread at a time may use a model.
package final class TransformerModel: LanguageModel {
  package let weights: LlamaWeights
  package let team: WorkerTeam
  package var configuration: LlamaConfiguration { weights.configuration }
  package var vocabularySize: Int { configuration.vocabularySize }
  package var hiddenSize: Int { configuration.hiddenSize }
  package var contextLength: Int { configuration.longestSequence }
  /// Bytes of the key/value cache, of all sequences.
  package var cacheByteCount: Int { cache.byteCount }

  private let cache: KeyValueCache
  /// See `RotaryEmbedding.all`.
  private let rotaries: [RotaryEmbedding]
  private let activations: Activations
  /// Tokens that one pass through the layers takes; longer batches go through in parts, which
  /// changes no bit and bounds the scratch memory.
  private static let rowCapacity = 256

  /// - Throws: `outOfMemory`.
  package init(weights: LlamaWeights, team: WorkerTeam) throws(ModelError) {
    self.weights = weights
    self.team = team
    cache = KeyValueCache(weights.configuration)
    rotaries = RotaryEmbedding.all(weights.configuration)
    activations = try Activations(
      weights: weights, rotaries: rotaries.count, rowCapacity: Self.rowCapacity, workers: team.size)
  }

  package func openSequence() -> SequenceID { cache.open() }

  package func forkSequence(_ sequence: SequenceID) throws -> SequenceID {
    try cache.fork(sequence)
  }

  package func closeSequence(_ sequence: SequenceID) { cache.close(sequence) }
  package func length(of sequence: SequenceID) -> Int { cache.sequence(sequence)?.length ?? 0 }

  package func rewind(_ sequence: SequenceID, to length: Int) {
    guard let cached = cache.sequence(sequence) else { return }
    precondition(
      0...cached.length ~= length, "rewind to \(length) of a sequence of \(cached.length)")
    cache.rewind(cached, to: length)
  }

  package func forward(_ slices: [Slice], into output: inout ForwardOutput) throws {
    let (rows, outputRows) = try admit(slices)
    output.prepare(rows: outputRows)
    output.hidden.withUnsafeMutableBufferPointer { hidden in
      output.logits.withUnsafeMutableBufferPointer { logits in
        var written = 0
        var start = 0
        while start < rows.count {
          let part = rows[start..<min(start + Self.rowCapacity, rows.count)]
          runLayers(part)
          written += writeOutputs(part, after: written, hidden: hidden, logits: logits)
          start = part.endIndex
        }
      }
    }
    for row in rows where row.isLast {
      row.sequence.advance(by: row.position + 1 - row.sequence.length)
    }
  }

  /// One token of a pass.
  private struct Row {
    let token: TokenID
    let sequence: CachedSequence
    let position: Int
    let wantsOutput: Bool
    let isLast: Bool
    /// See `Slice.Sibling`.
    let isSibling: Bool
  }

  /// Checks the slices and makes room for them. Nothing has changed when it throws.
  private func admit(_ slices: [Slice]) throws(ModelError) -> (rows: [Row], outputRows: Int) {
    var rows: [Row] = []
    var outputRows = 0
    for slice in slices {
      guard let sequence = cache.sequence(slice.sequence) else {
        throw ModelError(.mismatch, path: "batch", problem: "a slice names a closed sequence")
      }
      precondition(!slice.tokens.isEmpty && 0...slice.tokens.count ~= slice.rows)
      precondition(slice.siblings.allSatisfy { 0..<slice.tokens.count ~= $0.place })
      for token in slice.tokens + slice.siblings.map(\.token)
      where !(0..<vocabularySize).contains(Int(token)) {
        throw ModelError(
          .mismatch, path: "batch",
          problem: "token \(token) is outside the vocabulary of \(vocabularySize)")
      }
      let firstOutput = slice.tokens.count - slice.rows
      for (offset, token) in slice.tokens.enumerated() {
        rows.append(
          Row(
            token: token, sequence: sequence, position: sequence.length + offset,
            wantsOutput: offset >= firstOutput, isLast: offset == slice.tokens.count - 1,
            isSibling: false))
      }
      rows += slice.siblings.map { sibling in
        Row(
          token: sibling.token, sequence: sequence, position: sequence.length + sibling.place,
          wantsOutput: true, isLast: false, isSibling: true)
      }
      outputRows += slice.rowCount
    }
    for (index, slice) in slices.enumerated() {
      guard let sequence = cache.sequence(slice.sequence) else { continue }
      do {
        try cache.reserve(slice.tokens.count, in: sequence)
      } catch {
        for earlier in slices[...index] {
          if let sequence = cache.sequence(earlier.sequence) {
            cache.rewind(sequence, to: sequence.length)
          }
        }
        throw error
      }
    }
    return (rows, outputRows)
  }

  // MARK: - The layers

  private func runLayers(_ rows: ArraySlice<Row>) {
    let hidden = hiddenSize
    for (i, row) in rows.enumerated() {
      var embedding = weights.embedding.view
      let residual = activations.residual + i * hidden
      ft_matrix_row(&embedding, row.token, residual)
      if configuration.family.scalesEmbeddings {
        let scale = Float(hidden).squareRoot()
        for j in 0..<hidden { residual[j] *= scale }
      }
      for (kind, rotary) in rotaries.enumerated() {
        let (cosine, sine) = angles(kind, i)
        rotary.angles(at: row.position, cosine: cosine, sine: sine)
      }
    }
    let tasks = attentionTasks(rows)
    let shares = shares(of: tasks)
    let layers = weights.layers
    for (index, layer) in layers.dropLast().enumerated() {
      store(rows, layer, index)
      attend(rows, tasks, shares, layer, index)
      update(rows.count, layer, before: layers[index + 1].queryKeyValue)
    }
    // Behind the last layer's keys and values nothing is needed but the rows that are asked for: of a
    // long prompt one.
    guard let layer = layers.last else { return }
    store(rows, layer, layers.count - 1)
    let answering = attentionTasks(rows, outputsOnly: true)
    attend(rows, answering, self.shares(of: answering), layer, layers.count - 1)
    let count = gatherOutputs(rows)
    if count > 0 { update(count, layer, before: weights.output) }
  }

  /// Moves what the rows that are asked for have of the residual stream and of attention to the
  /// front. Returns how many they are.
  private func gatherOutputs(_ rows: ArraySlice<Row>) -> Int {
    let (a, hidden, attended) = (activations, hiddenSize, configuration.querySize)
    var count = 0
    for (i, row) in rows.enumerated() where row.wantsOutput {
      if i > count {
        (a.residual + count * hidden).update(from: a.residual + i * hidden, count: hidden)
        (a.attention + count * attended).update(from: a.attention + i * attended, count: attended)
      }
      count += 1
    }
    return count
  }

  /// Where the cosines and sines of row `i` are for rotations of a kind.
  private func angles(
    _ kind: Int, _ i: Int
  ) -> (cosine: UnsafeMutablePointer<Float>, sine: UnsafeMutablePointer<Float>) {
    let offset = (kind * Self.rowCapacity + i) * (configuration.rotarySize / 2)
    return (activations.cosine + offset, activations.sine + offset)
  }

  /// Normalises and rotates `heads` heads of row `i`, the one where the family does, both in place.
  private func prepare(
    _ x: UnsafeMutablePointer<Float>, heads: Int, norm: AlignedBuffer?, kind: Int, row i: Int
  ) {
    let c = configuration
    let (cosine, sine) = angles(kind, i)
    if norm == nil, c.rotarySize == c.headSize {
      return ft_rope(x, Int32(heads), Int32(c.headSize), cosine, sine)
    }
    for head in 0..<heads {
      let head = x + head * c.headSize
      if let norm { ft_rms_norm(head, norm.floats, c.normEpsilon, Int32(c.headSize), head) }
      ft_rope(head, 1, Int32(c.rotarySize), cosine, sine)
    }
  }

  /// q, k and v of norm(residual), and the cache holds k and v.
  private func store(_ rows: ArraySlice<Row>, _ layer: LlamaLayer, _ layerIndex: Int) {
    let c = configuration
    let a = activations
    let width = layer.queryKeyValue.rows
    let (keyOffset, valueOffset) = (layer.queryKeyValue.offsets[1], layer.queryKeyValue.offsets[2])
    let isWindowed = c.slidingWindow?.layers[layerIndex] ?? false
    let kind = isWindowed ? rotaries.count - 1 : 0
    norm(rows.count, layer.attentionNorm)
    team.multiply(
      layer.queryKeyValue, before: layer.attentionOutput, a.normed, count: rows.count,
      into: a.queryKeyValue)

    // Positions of this pass are stored before any is attended to, so a token sees the ones before
    // it in the same slice. Siblings have no place of their own: theirs is the chain's.
    team.split(rows.count, worthwhile: isWorthwhile(rows.count * width)) { range, _ in
      for i in range {
        let row = rows[rows.startIndex + i]
        let qkv = a.queryKeyValue + i * width
        if let bias = layer.queryKeyValueBias { ft_add(qkv, bias.floats, Int32(width)) }
        prepare(qkv, heads: c.headCount, norm: layer.queryNorm, kind: kind, row: i)
        // Past the context no more is seen than there.
        let scale = c.ropeScaling.queryScale(
          at: min(row.position, c.contextLength - 1), layer: layerIndex)
        if scale != 1 { for j in 0..<c.querySize { qkv[j] *= scale } }
        prepare(
          qkv + keyOffset, heads: c.keyValueHeadCount, norm: layer.keyNorm, kind: kind, row: i)
        for head in 0..<c.keyValueHeadCount where !row.isSibling {
          let lane = layerIndex * c.keyValueHeadCount + head
          let block = row.position / KeyValueCache.blockLength
          ft_kv_store(
            row.sequence.blockTable(lane: lane)[block], Int32(c.headSize),
            Int32(row.position % KeyValueCache.blockLength),
            qkv + keyOffset + head * c.headSize, qkv + valueOffset + head * c.headSize)
        }
      }
    }
  }

  /// What the queries of the tasks gather from the cache.
  private func attend(
    _ rows: ArraySlice<Row>, _ tasks: [AttentionTask], _ shares: [Range<Int>],
    _ layer: LlamaLayer, _ layerIndex: Int
  ) {
    let c = configuration
    let context = rows.reduce(0) { $0 + $1.position + 1 }
    team.split(shares.count, worthwhile: isWorthwhile(context * c.querySize)) { parts, worker in
      for task in parts.lazy.flatMap({ shares[$0] }) {
        attend(tasks[task], rows[rows.startIndex + tasks[task].row], layerIndex, worker)
      }
    }
    attendSiblings(rows, layer, layerIndex)
  }

  /// What the siblings of a pass see: the cache, with their own keys and values lent the place of the
  /// token that they stand for. When the chain has been attended to, and a head by one worker.
  private func attendSiblings(
    _ rows: ArraySlice<Row>, _ layer: LlamaLayer, _ layerIndex: Int
  ) {
    let siblings = rows.indices.filter { rows[$0].isSibling }
    guard !siblings.isEmpty else { return }
    let c = configuration
    let (keyOffset, valueOffset) = (layer.queryKeyValue.offsets[1], layer.queryKeyValue.offsets[2])
    let context = siblings.reduce(0) { $0 + rows[$1].position + 1 }
    team.split(c.keyValueHeadCount, worthwhile: isWorthwhile(context * c.querySize)) {
      heads, worker in
      for head in heads {
        for index in siblings {
          let (row, i) = (rows[index], index - rows.startIndex)
          let qkv = activations.queryKeyValue + i * layer.queryKeyValue.rows
          let lane = layerIndex * c.keyValueHeadCount + head
          let block = row.sequence.blockTable(lane: lane)[
            row.position / KeyValueCache.blockLength]
          func lend() {
            ft_kv_exchange(
              block, Int32(c.headSize), Int32(row.position % KeyValueCache.blockLength),
              qkv + keyOffset + head * c.headSize, qkv + valueOffset + head * c.headSize)
          }
          lend()
          attend(
            AttentionTask(
              head: head, row: i, queries: 0..<c.groupSize, seen: row.position + 1),
            row, layerIndex, worker)
          lend()
        }
      }
    }
  }

  /// residual += norm(update + bias), without the bias and the norm where there are none.
  private func add(_ count: Int, bias: AlignedBuffer? = nil, norm: AlignedBuffer?) {
    let (a, hidden) = (activations, hiddenSize)
    for i in 0..<count {
      let update = a.update + i * hidden
      if let bias { ft_add(update, bias.floats, Int32(hidden)) }
      if let norm {
        ft_rms_norm(update, norm.floats, configuration.normEpsilon, Int32(hidden), update)
      }
    }
    ft_add(a.residual, a.update, Int32(count * hidden))
  }

  /// Some queries of tokens in a row of one sequence, that see one key/value head.
  private struct AttentionTask {
    var head: Int
    /// The first of the tokens, in the pass.
    var row: Int
    /// Token by token, the query heads of each in turn.
    var queries: Range<Int>
    /// Positions that the last of the queries sees.
    var seen: Int

    /// The last token of the queries, counted from the first of the task's slice.
    func tokens(_ group: Int) -> Int { (queries.upperBound - 1) / group }
  }

  /// Head by head, so that a worker reads the keys and values of a head once for all rows.
  ///
  /// - Parameter outputsOnly: of the rows that are asked for, which end their slices.
  private func attentionTasks(
    _ rows: ArraySlice<Row>, outputsOnly: Bool = false
  ) -> [AttentionTask] {
    let (heads, group) = (configuration.keyValueHeadCount, configuration.groupSize)
    var tasks: [AttentionTask] = []
    var start = rows.startIndex
    while start < rows.endIndex {
      guard !rows[start].isSibling else {
        start += 1
        continue
      }
      let end = rows[start...].firstIndex { $0.isLast }.map { $0 + 1 } ?? rows.endIndex
      defer { start = end }
      if outputsOnly { start = rows[start..<end].firstIndex { $0.wantsOutput } ?? end }
      guard start < end else { continue }
      let queries = (end - start) * group
      // Work for all, where the heads are too few.
      let sharing = max(1, team.size / heads)
      let step = min(Int(FT_ATTENTION_QUERIES), (queries + sharing - 1) / sharing)
      for head in 0..<heads {
        for first in stride(from: 0, to: queries, by: step) {
          let last = min(first + step, queries)
          tasks.append(
            AttentionTask(
              head: head, row: start - rows.startIndex,
              queries: first..<last, seen: rows[start].position + (last - 1) / group + 1))
        }
      }
    }
    return tasks
  }

  /// Each worker's tasks: a stretch of them, so that it reads what a head has stored once for all of
  /// its queries, and about as much to do as the others have.
  private func shares(of tasks: [AttentionTask]) -> [Range<Int>] {
    let total = tasks.reduce(0) { $0 + $1.queries.count * $1.seen }
    var (end, done) = (0, 0)
    return (1...team.size).map { worker in
      let start = end
      while end < tasks.count {
        let work = tasks[end].queries.count * tasks[end].seen
        guard done + work / 2 <= total * worker / team.size else { break }
        done += work
        end += 1
      }
      return start..<end
    }
  }

  /// Runs a task, whose first token is `row`.
  private func attend(_ task: AttentionTask, _ row: Row, _ layerIndex: Int, _ worker: Int) {
    let (c, a) = (configuration, activations)
    let stride = weights.layers[layerIndex].queryKeyValue.rows
    let query = task.head * c.groupSize * c.headSize
    let lane = layerIndex * c.keyValueHeadCount + task.head
    var attention = ft_attention(
      q: a.queryKeyValue + task.row * stride + query, q_stride: stride, group: Int32(c.groupSize),
      head_dim: Int32(c.headSize), blocks: row.sequence.blockTable(lane: lane), first: 0,
      last: Int32(row.position + 1), scale: c.attentionScale, cap: c.scoreCap,
      scratch: a.scores + worker * a.scoresPerWorker,
      out: a.attention + task.row * c.querySize + query, out_stride: c.querySize)
    let window = c.slidingWindow.flatMap { $0.layers[layerIndex] ? $0 : nil }
    let isLong = c.streaming.map { !$0.seesAll(from: row.position + task.tokens(c.groupSize)) }
    guard window != nil || isLong == true else {
      return ft_attend(&attention, Int32(task.queries.lowerBound), Int32(task.queries.upperBound))
    }
    // Each token sees positions of its own, so each has a call of its own.
    let table = row.sequence.blockTable(lane: lane)
    var first = task.queries.lowerBound
    while first < task.queries.upperBound {
      let token = first / c.groupSize
      let last = min((token + 1) * c.groupSize, task.queries.upperBound)
      let position = row.position + token
      if let window {
        let seen = window.first(seenFrom: position, layer: layerIndex)
        let block = seen / KeyValueCache.blockLength
        let before = block * KeyValueCache.blockLength
        attention.blocks = UnsafePointer(table + block)
        attention.first = Int32(seen - before)
        attention.last = Int32(position + 1 - before - token)
      } else if let streaming = c.streaming, let scratch = a.streaming,
        !streaming.seesAll(from: position)
      {
        scratch.restrict(
          &attention, to: position, token: token, by: streaming, table, rotaries[0],
          worker: worker)
      }
      ft_attend(&attention, Int32(first), Int32(last))
      first = last
    }
  }

  /// residual += o_proj(attention), and then the feed-forward's.
  private func update(_ count: Int, _ layer: LlamaLayer, before next: Matrix) {
    team.multiply(
      layer.attentionOutput, before: layer.gateUp, activations.attention, count: count,
      into: activations.update, stride: hiddenSize)
    add(count, bias: layer.attentionOutputBias, norm: layer.attentionUpdateNorm)
    feedForward(count, layer, before: next)
  }

  /// residual += down(activation(gate(norm(residual))) * up(norm(residual))).
  private func feedForward(_ count: Int, _ layer: LlamaLayer, before next: Matrix) {
    let a = activations
    let (stride, size) = (layer.gateUp.rows, configuration.intermediateSize)
    norm(count, layer.feedForwardNorm)
    team.multiply(layer.gateUp, before: layer.down, a.normed, count: count, into: a.gateUp)
    team.split(count, worthwhile: isWorthwhile(count * size)) { range, _ in
      for i in range {
        let (gate, up) = (a.gateUp + i * stride, a.gateUp + i * stride + layer.gateUp.offsets[1])
        switch configuration.family.activation {
        case .silu: ft_swiglu(gate, up, Int32(size), a.gated + i * size)
        case .gelu: ft_geglu(gate, up, Int32(size), a.gated + i * size)
        }
      }
    }
    team.multiply(
      layer.down, before: next, a.gated, count: count, into: a.update, stride: hiddenSize)
    add(count, norm: layer.feedForwardUpdateNorm)
  }

  /// normed = RMSNorm(residual).
  private func norm(_ count: Int, _ weight: AlignedBuffer) {
    let (a, hidden) = (activations, hiddenSize)
    team.split(count, worthwhile: isWorthwhile(count * hidden)) { range, _ in
      for i in range {
        ft_rms_norm(
          a.residual + i * hidden, weight.floats, configuration.normEpsilon, Int32(hidden),
          a.normed + i * hidden)
      }
    }
  }

  /// Final norm and output matrix for the rows that want them. Returns how many were written.
  private func writeOutputs(
    _ rows: ArraySlice<Row>, after written: Int, hidden: UnsafeMutableBufferPointer<Float>,
    logits: UnsafeMutableBufferPointer<Float>
  ) -> Int {
    guard let hiddenBase = hidden.baseAddress, let logitsBase = logits.baseAddress else { return 0 }
    var count = 0
    let first = hiddenBase + written * hiddenSize
    for row in rows where row.wantsOutput {
      ft_rms_norm(
        activations.residual + count * hiddenSize, weights.finalNorm.floats,
        configuration.normEpsilon, Int32(hiddenSize), first + count * hiddenSize)
      count += 1
    }
    guard count > 0 else { return 0 }
    team.multiply(
      weights.output, first, count: count, into: logitsBase + written * vocabularySize,
      stride: vocabularySize)
    if configuration.logitCap != 0 {
      ft_cap(
        logitsBase + written * vocabularySize, configuration.logitCap,
        Int32(count * vocabularySize))
    }
    return count
  }

  /// Whether so many element operations outweigh a join of the workers (about a microsecond).
  private func isWorthwhile(_ operations: Int) -> Bool { operations > 1 << 14 }
}
