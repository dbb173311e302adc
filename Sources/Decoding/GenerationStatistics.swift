/// Raw counts over rounds; every ratio is computed from them.
package struct GenerationStatistics: Sendable, Equatable {
  /// Rounds after the prompt was read.
  package private(set) var rounds = 0
  /// Tokens of the answer.
  package private(set) var emitted = 0
  /// Emitted by rounds after the prompt was read.
  package private(set) var decoded = 0
  package private(set) var proposed = 0
  package private(set) var accepted = 0
  /// `[i]`: rounds that proposed candidates for more than i places, and that kept more than i
  /// (a sibling at the place of its candidate).
  package private(set) var proposedAt: [Int] = []
  package private(set) var acceptedAt: [Int] = []
  /// Reading the prompt and drawing the first token.
  package private(set) var prefillSeconds = 0.0
  /// All later rounds.
  package private(set) var seconds = RoundSeconds()

  package init() {}

  package init(_ records: some Sequence<RoundRecord>) {
    for record in records { add(record) }
  }

  package mutating func add(_ round: RoundRecord) {
    emitted += round.emitted
    guard !round.isPrefill else {
      prefillSeconds += round.seconds.total
      return
    }
    rounds += 1
    decoded += round.emitted
    proposed += round.proposed
    accepted += round.kept
    seconds.draft += round.seconds.draft
    seconds.policy += round.seconds.policy
    seconds.verify += round.seconds.verify
    seconds.accept += round.seconds.accept
    Self.count(round.candidates.count, in: &proposedAt)
    Self.count(round.kept, in: &acceptedAt)
  }

  /// Adds the counts of other rounds.
  package mutating func add(_ other: GenerationStatistics) {
    rounds += other.rounds
    emitted += other.emitted
    decoded += other.decoded
    proposed += other.proposed
    accepted += other.accepted
    prefillSeconds += other.prefillSeconds
    seconds.draft += other.seconds.draft
    seconds.policy += other.seconds.policy
    seconds.verify += other.seconds.verify
    seconds.accept += other.seconds.accept
    Self.sum(other.proposedAt, into: &proposedAt)
    Self.sum(other.acceptedAt, into: &acceptedAt)
  }

  private static func sum(_ counts: [Int], into sums: inout [Int]) {
    while sums.count < counts.count { sums.append(0) }
    for index in counts.indices { sums[index] += counts[index] }
  }

  private static func count(_ length: Int, in counts: inout [Int]) {
    while counts.count < length { counts.append(0) }
    for index in 0..<length { counts[index] += 1 }
  }

  /// Accepted of proposed candidates; nil when there were none.
  package var acceptanceRate: Double? {
    proposed > 0 ? Double(accepted) / Double(proposed) : nil
  }
  /// Emitted tokens per forward of the target, the one of its own included.
  package var tokensPerRound: Double? { rounds > 0 ? Double(decoded) / Double(rounds) : nil }
  /// Rejected candidates per token (SpecDec++, 2405.19715: discard rate).
  package var discardRate: Double? {
    decoded > 0 ? Double(proposed - accepted) / Double(decoded) : nil
  }
  /// Forwards of the target per token (SpecDec++: verification rate).
  package var verificationRate: Double? {
    decoded > 0 ? Double(rounds) / Double(decoded) : nil
  }
  /// Tokens per second after the first.
  package var tokensPerSecond: Double? {
    seconds.total > 0 ? Double(decoded) / seconds.total : nil
  }
}
