/// What happened in one round. All statistics, reports and training labels are folds over these.
package struct RoundRecord: Sendable, Codable, Equatable {
  /// Which request, as its random numbers are keyed.
  package var request: UInt64
  /// Tokens before the round.
  package var position: Int
  /// New tokens that the target's forward took: the candidates, their siblings and what was pending
  /// before them (one token, two behind a sibling, or the prompt in the first round).
  package var forwarded: Int
  /// The candidates, all of which were submitted.
  package var candidates: [CandidateRecord]
  /// How many of them were kept by the verification.
  package var accepted: Int
  /// Places that had a second candidate, ascending; nil where none had.
  package var siblings: [Int]?
  /// Whether the second candidate was kept at the place of the first rejected one; nil where that
  /// had none.
  package var keepsSibling: Bool?
  /// Tokens that the round added to the answer: the kept candidates (a sibling may be the last of
  /// them) and one of the target's own, unless the answer ended before.
  package var emitted: Int
  package var seconds: RoundSeconds
  /// The round that read the prompt, which drafts nothing.
  package var isPrefill: Bool

  package init(
    request: UInt64, position: Int, forwarded: Int, candidates: [CandidateRecord], accepted: Int,
    emitted: Int, seconds: RoundSeconds, isPrefill: Bool = false, siblings: [Int]? = nil,
    keepsSibling: Bool? = nil
  ) {
    self.request = request
    self.position = position
    self.forwarded = forwarded
    self.candidates = candidates
    self.accepted = accepted
    self.emitted = emitted
    self.seconds = seconds
    self.isPrefill = isPrefill
    self.siblings = siblings
    self.keepsSibling = keepsSibling
  }

  /// Tokens that the draft proposed, siblings among them.
  package var proposed: Int { candidates.count + (siblings?.count ?? 0) }
  /// How many of those were kept.
  package var kept: Int { accepted + (keepsSibling == true ? 1 : 0) }
}

/// One candidate of a round.
package struct CandidateRecord: Sendable, Codable, Equatable {
  package var token: TokenID
  /// With which the draft drew it.
  package var probability: Double
  /// min(1, p / q), the chance of being kept when those before it are; nil where it was not
  /// computed (behind the first rejected candidate).
  package var acceptance: Double?
  /// The draft's shape before it was drawn, where the policy asked for it.
  package var topProbability: Double?
  package var secondProbability: Double?
  package var entropy: Double?

  package init(
    token: TokenID,
    probability: Double,
    acceptance: Double? = nil,
    topProbability: Double? = nil,
    secondProbability: Double? = nil,
    entropy: Double? = nil
  ) {
    self.token = token
    self.probability = probability
    self.acceptance = acceptance
    self.topProbability = topProbability
    self.secondProbability = secondProbability
    self.entropy = entropy
  }
}

/// Where a round's time went, in seconds.
package struct RoundSeconds: Sendable, Codable, Equatable {
  /// The draft's forwards and draws, and the policy.
  package var draft = 0.0
  /// The policy's own share of `draft`: its head, if it has one.
  package var policy = 0.0
  /// The target's forward.
  package var verify = 0.0
  /// Making distributions, judging candidates, drawing, rewinding.
  package var accept = 0.0

  package init(
    draft: Double = 0,
    policy: Double = 0,
    verify: Double = 0,
    accept: Double = 0
  ) {
    self.draft = draft
    self.policy = policy
    self.verify = verify
    self.accept = accept
  }

  package var total: Double { draft + verify + accept }
}
