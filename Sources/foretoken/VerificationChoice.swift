import ArgumentParser
import Decoding

/// How candidates are judged, as a person names it.
enum VerificationChoice: String, CaseIterable, Codable, Sendable, ExpressibleByArgument {
  /// Token by token.
  case token
  /// All candidates together: never keeps fewer.
  case block
  /// With a given seed the text of plain decoding, token for token.
  case coupled

  var rule: any VerificationRule {
    switch self {
    case .token: TokenVerification()
    case .block: BlockVerification()
    case .coupled: CoupledVerification()
    }
  }

  /// Whether the text depends on the prompt and the seed alone, not on what was drafted.
  func fixesText(temperature: Double) -> Bool { temperature == 0 || self == .coupled }
}
