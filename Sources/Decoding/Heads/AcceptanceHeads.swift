package import Learning

/// Trained heads: what a pair's evidence says of a candidate's acceptance.
///
/// A network reads the draft's final state; trees weigh what it says with the shape of the draft's
/// distribution, the candidate's place and the temperature at which it is drawn.
package struct AcceptanceHeads: Sendable {
  /// `(hidden) -> 1` log-odds that the candidate predicted from a state will be kept.
  package var beforeDraw: DenseNetwork
  /// `(hidden) -> 1` log-odds that the token whose own state it is will be kept.
  package var afterFeeding: DenseNetwork
  /// Nil where only the networks were trained.
  package var trees: Trees?

  /// `(features) -> 1` log-odds, from `Evidence`.
  package struct Trees: Sendable, Equatable {
    package var beforeDraw: TreeEnsemble
    package var afterFeeding: TreeEnsemble

    /// - Precondition: they take what `Evidence` gives and say one number.
    package init(beforeDraw: TreeEnsemble, afterFeeding: TreeEnsemble) {
      precondition(beforeDraw.takes(Evidence.beforeCount))
      precondition(afterFeeding.takes(Evidence.afterCount))
      self.beforeDraw = beforeDraw
      self.afterFeeding = afterFeeding
    }
  }

  /// - Precondition: both take the same width and give one number.
  package init(beforeDraw: DenseNetwork, afterFeeding: DenseNetwork, trees: Trees? = nil) {
    precondition(beforeDraw.inputWidth == afterFeeding.inputWidth)
    precondition(beforeDraw.outputWidth == 1 && afterFeeding.outputWidth == 1)
    self.beforeDraw = beforeDraw
    self.afterFeeding = afterFeeding
    self.trees = trees
  }

  /// What trees weigh.
  package enum Evidence {
    package static let beforeCount = 7
    package static let afterCount = 11

    /// Of the next candidate, before its draw.
    ///
    /// - Parameters:
    ///   - repetition: see `DraftEvidence`.
    ///   - state: what the network says of the state that it is predicted from.
    static func before(
      _ next: LogitsSummary, repetition: Int, depth: Int, temperature: Double, state: Double
    ) -> [Float] {
      [
        .logit(next.topProbability), next.topProbability - next.secondProbability, next.entropy,
        Double(depth), temperature, state, Double(repetition),
      ].map(Float.init)
    }

    /// Of a candidate whose own state is known.
    ///
    /// - Parameters:
    ///   - confidence: the draft's probability of it.
    ///   - summary: of the draft's distribution that it was drawn from, `next` of the one after it.
    ///   - repetitions: of both places; see `DraftEvidence`.
    ///   - state: what the network says of its state.
    static func after(
      confidence: Double, _ summary: LogitsSummary, next: LogitsSummary,
      repetitions: (own: Int, next: Int), depth: Int, temperature: Double, state: Double
    ) -> [Float] {
      [
        .logit(confidence), summary.topProbability - summary.secondProbability, summary.entropy,
        .logit(next.topProbability), next.topProbability - next.secondProbability, next.entropy,
        Double(depth), temperature, state, Double(repetitions.own), Double(repetitions.next),
      ].map(Float.init)
    }
  }

  /// Runs the heads.
  struct Reader: Sendable {
    private let heads: AcceptanceHeads
    private var before: NetworkWorkspace
    private var after: NetworkWorkspace
    private var output: [Float] = [0]

    init(_ heads: AcceptanceHeads) {
      self.heads = heads
      before = NetworkWorkspace(for: heads.beforeDraw)
      after = NetworkWorkspace(for: heads.afterFeeding)
    }

    /// Log-odds for the candidate that is predicted from this evidence; 0 without a state.
    mutating func beforeDraw(_ next: DraftEvidence, depth: Int, temperature: Double) -> Double {
      let state = Self.run(heads.beforeDraw, next.hidden, &before, &output)
      guard let trees = heads.trees, let summary = next.summary else { return state }
      trees.beforeDraw.predict(
        Evidence.before(
          summary, repetition: next.repetition ?? 0, depth: depth, temperature: temperature,
          state: state),
        into: &output)
      return Double(output[0])
    }

    /// Log-odds for the candidate, given the evidence that its own state gives.
    mutating func afterFeeding(
      _ candidate: DrawnCandidate, next: DraftEvidence, depth: Int, temperature: Double
    ) -> Double {
      let state = Self.run(heads.afterFeeding, next.hidden, &after, &output)
      guard let trees = heads.trees, let summary = candidate.evidence.summary,
        let nextSummary = next.summary
      else { return state }
      trees.afterFeeding.predict(
        Evidence.after(
          confidence: candidate.confidence, summary, next: nextSummary,
          repetitions: (candidate.evidence.repetition ?? 0, next.repetition ?? 0), depth: depth,
          temperature: temperature, state: state),
        into: &output)
      return Double(output[0])
    }

    private static func run(
      _ head: DenseNetwork, _ hidden: [Float]?, _ workspace: inout NetworkWorkspace,
      _ output: inout [Float]
    ) -> Double {
      guard let hidden, hidden.count == head.inputWidth else { return 0 }
      head.predict(hidden.span, into: &output, workspace: &workspace)
      return Double(output[0])
    }
  }
}

extension TreeEnsemble {
  fileprivate func takes(_ width: Int) -> Bool {
    denseWidth == width && sparseWidth == 0 && outputWidth == 1
  }
}
