import ArgumentParser
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the streams are connected to, and how text is coloured there.
enum Terminal {
  static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
  static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
  static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// When to colour.
enum ColorMode: String, ExpressibleByArgument, CaseIterable {
  /// On a terminal, unless NO_COLOR is set or TERM is "dumb"; CLICOLOR_FORCE colours everywhere.
  case auto
  case always
  case never

  func colours(isTerminal: Bool) -> Bool {
    switch self {
    case .always: return true
    case .never: return false
    case .auto:
      let environment = ProcessInfo.processInfo.environment
      if let no = environment["NO_COLOR"], !no.isEmpty { return false }
      if let force = environment["CLICOLOR_FORCE"], force != "0", !force.isEmpty { return true }
      return isTerminal && environment["TERM"] != "dumb"
    }
  }
}

/// The few styles that we use.
enum Style: String {
  case green = "\u{1B}[32m"
  case dim = "\u{1B}[2m"
  case struck = "\u{1B}[2;9m"
  case bold = "\u{1B}[1m"

  func applied(to text: String) -> String {
    text.isEmpty ? "" : rawValue + text + "\u{1B}[0m"
  }
}
