import ArgumentParser
import FoundationEssentials

/// When to colour.
enum ColorMode: String, ExpressibleByArgument, CaseIterable {
  /// On a terminal, unless NO_COLOR is set or TERM is "dumb"; CLICOLOR_FORCE colours everywhere.
  case auto
  case always
  case never

  func colours(
    isTerminal: Bool,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Bool {
    switch self {
    case .always: return true
    case .never: return false
    case .auto:
      if let no = environment["NO_COLOR"], !no.isEmpty { return false }
      if let force = environment["CLICOLOR_FORCE"], force != "0", !force.isEmpty { return true }
      return isTerminal && environment["TERM"] != "dumb"
    }
  }
}

/// The few styles that we use (ECMA-48, SGR).
enum Style: String {
  case green = "32"
  case struck = "2;9"

  func applied(to text: String) -> String {
    text.isEmpty ? "" : "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
  }
}
