import Reporting

/// What a report says, in numbers: everything in the tables and the pictures.
///
/// v and d are the paper's two rates (SpecDec++, 2405.19715, section 5): v = target forwards per
/// token, d = rejected candidates per token, of the tokens after the first.
struct ReportSummary: Codable, Sendable, Equatable {
  var groups: [Group]
  var identity: Identity
  /// What the target's forwards over n tokens took, n ascending.
  var verifyCosts: [VerifyCost]
  /// How far the draft's own probabilities can be trusted, by temperature.
  var confidence: [Confidence]

  /// All policies on one set of prompts at one temperature.
  struct Group: Codable, Sendable, Equatable {
    var set: String
    var temperature: Double
    /// Those that every policy has answered equally often.
    var prompts: Int
    /// The policy of the `gain` column; nil when there was none.
    var reference: String?
    var rows: [Row]
    /// The policy that the `lead` of each row is of: generate's usual one, or the
    /// first of the cost-aware ones; nil without one.
    var leader: String?
    /// What stands in the way of more; nil where nothing was drafted.
    var ceilings: SpeedupCeilings?
    /// Speedup of somebody who knows what will be kept; nil where sampling leaves that open.
    var oracle: Estimate?
  }

  struct Row: Codable, Sendable, Equatable {
    var policy: String
    var runs: Int
    var tokens: Int
    /// The prompt's reading included.
    var tokensPerSecond: Estimate
    /// Over plain decoding.
    var speedup: Estimate
    /// Over the group's reference; nil without one.
    var gain: Estimate?
    /// Of the group's leader over this policy, paired; nil without one.
    var lead: Estimate?
    /// Kept of proposed candidates.
    var acceptanceRate: Double?
    var tokensPerRound: Double?
    /// d
    var discardRate: Double?
    /// v
    var verificationRate: Double?
    /// `[i]`: rounds that kept exactly i candidates.
    var acceptedCounts: [Int]
    /// `[i]`: the share of rounds that kept more than i candidates (vLLM's per-position rate).
    var acceptedShares: [Double]
    var time: TimeSplit
  }

  /// Seconds per token, by what they were spent on.
  struct TimeSplit: Codable, Sendable, Equatable {
    /// Reading the prompt and drawing the first token.
    var prompt: Double
    /// The draft's forwards and draws.
    var draft: Double
    /// The policy, and its head if it has one.
    var policy: Double
    /// The target's forwards.
    var verify: Double
    /// Making distributions, judging and drawing, rewinding.
    var accept: Double
    /// All that is in no round: opening sequences, keeping records.
    var other: Double
  }

  /// Whether policies gave the same text where they must.
  struct Identity: Codable, Sendable, Equatable {
    /// Answers of policies that were compared with plain decoding's.
    var compared = 0
    var different = 0
    /// The first few that differ.
    var examples: [String] = []
  }

  struct VerifyCost: Codable, Sendable, Equatable {
    /// n
    var tokens: Int
    var forwards: Int
    /// Seconds: quartiles.
    var lower: Double
    var median: Double
    var upper: Double
  }

  struct Confidence: Codable, Sendable, Equatable {
    var temperature: Double
    var reliability: Reliability
  }
}

extension ReportSummary.Row {
  var isPlain: Bool { policy == PolicyChoice.plain.description }
  /// K of policies that always propose K; nil for others and plain decoding.
  var fixedLength: Int? { PolicyChoice.fixedLength(of: policy) }
}

extension ReportSummary.TimeSplit {
  var total: Double { prompt + draft + policy + verify + accept + other }
}
