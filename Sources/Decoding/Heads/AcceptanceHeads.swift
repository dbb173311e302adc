package import Learning

/// Trained heads on the draft's final state, as one more piece of evidence for the cost-aware policy.
package struct AcceptanceHeads: Sendable, Codable {
  /// `(hidden) -> 1` log-odds that the candidate predicted from a state will be kept.
  package var beforeDraw: DenseNetwork
  /// `(hidden) -> 1` log-odds that the token whose own state it is will be kept.
  package var afterFeeding: DenseNetwork

  /// - Precondition: both take the same width and give one number.
  package init(beforeDraw: DenseNetwork, afterFeeding: DenseNetwork) {
    precondition(beforeDraw.inputWidth == afterFeeding.inputWidth)
    precondition(beforeDraw.outputWidth == 1 && afterFeeding.outputWidth == 1)
    self.beforeDraw = beforeDraw
    self.afterFeeding = afterFeeding
  }

  /// Runs the heads without allocating.
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

    /// Log-odds for the candidate that is predicted from this state; 0 without a state.
    mutating func beforeDraw(_ hidden: [Float]?) -> Double {
      Self.run(heads.beforeDraw, hidden, &before, &output)
    }

    /// Log-odds for the token whose own state this is.
    mutating func afterFeeding(_ hidden: [Float]?) -> Double {
      Self.run(heads.afterFeeding, hidden, &after, &output)
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
