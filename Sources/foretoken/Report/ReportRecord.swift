import Decoding

/// How the runs of a report were made: the first line of its log, and part of `report.json`.
struct ReportHeader: Codable, Sendable, Equatable {
  /// Raised when a reader of the log would have to change.
  static let currentVersion = 1

  var schemaVersion = Self.currentVersion
  var toolVersion: String
  /// When the first run began, ISO 8601.
  var started: String
  var machine: MachineFacts
  var target: ModelFacts
  var draft: ModelFacts?
  var settings: ReportSettings
  /// By their full names; plain decoding among them.
  var policies: [String]
  var prompts: [ReportPrompt]
  /// What steps cost here, where a policy asked for it.
  var costs: CostModel?
}

/// What was asked for.
struct ReportSettings: Codable, Sendable, Equatable {
  var temperatures: [Double]
  var topK = 0
  var topP = 1.0
  var minP = 0.0
  /// At temperature 0, where nothing is random, only the first counts.
  var seeds: [UInt64]
  var repeats: Int
  var maxTokens: Int
  var ignoresEndOfSequence = false
  /// Prompts are given to the model without its chat format.
  var isRaw = false
  var verification: VerificationChoice
  /// The draft's weights were filled at random: it knows nothing.
  var hasRandomDraft: Bool?
  /// Acceptance was declared, not found.
  var synthetic: SyntheticAcceptance?
  /// The policy that the others are set against; nil for the fastest fixed length.
  var reference: String?

  var rule: any VerificationRule {
    synthetic.map { SyntheticVerification(acceptance: $0) } ?? verification.rule
  }

  /// Whether all policies must give the same text at this temperature.
  func fixesText(temperature: Double) -> Bool {
    synthetic == nil && verification.fixesText(temperature: temperature)
  }

  func seeds(temperature: Double) -> [UInt64] {
    temperature == 0 ? Array(seeds.prefix(1)) : seeds
  }

  /// Runs of one policy on one prompt.
  var runsPerPrompt: Int {
    repeats * temperatures.reduce(0) { $0 + seeds(temperature: $1).count }
  }

  func options(
    temperature: Double, seed: UInt64, request: Int, endOfSequence: Set<TokenID>
  ) -> GenerationOptions {
    GenerationOptions(
      sampling: SamplingOptions(
        temperature: temperature, topK: topK, topP: topP, minP: minP, seed: seed),
      maxTokens: maxTokens, endOfSequence: ignoresEndOfSequence ? [] : endOfSequence,
      request: UInt64(request))
  }
}

/// A prompt, by the names that its file gives it.
struct ReportPrompt: Codable, Sendable, Equatable {
  var set: String
  var id: String
  /// With the chat format.
  var tokens: Int
}

struct ModelFacts: Codable, Sendable, Equatable {
  var path: String
  var parameters: Int
  /// Of the weights in memory.
  var dtype: String
  /// Of the weight file.
  var sha256: String
}

/// One answer of one policy to one prompt: a line of the log.
struct ReportRun: Codable, Sendable, Equatable {
  /// Index in the header's prompts.
  var prompt: Int
  var policy: String
  var temperature: Double
  var seed: UInt64
  /// Which of the repeats, from 0.
  var repetition: Int
  /// Of a clock on the wall: opening the sequences, reading the prompt and all rounds.
  var seconds: Double
  /// Of the answer.
  var tokens: Int
  var finishReason: FinishReason
  /// Of the answer's tokens: two answers with the same digest are the same text.
  var digest: String
  var rounds: [RoundRecord]

  /// FNV-1a over the tokens' bytes.
  static func digest(_ tokens: some Sequence<TokenID>) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for token in tokens {
      for shift in stride(from: 0, to: 32, by: 8) {
        hash = (hash ^ UInt64(UInt8(truncatingIfNeeded: token >> shift))) &* 0x100_0000_01b3
      }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
