import ArgumentParser
import Transformer

/// How a command fails: one line on stderr that says what, where and what to do, and a status of
/// `<sysexits.h>`.
enum Failure {
  static let usage: Int32 = 64
  static let badData: Int32 = 65
  static let missingInput: Int32 = 66
  static let internalError: Int32 = 70
  static let inputOutput: Int32 = 74

  /// A request that makes no sense in the state that things are in; status 64.
  struct Usage: Error {
    var message: String
  }

  /// Runs `body`, and turns an error about a model's files, or a request that makes no sense, into
  /// its line and its status.
  ///
  /// - Throws: `ExitCode` then; any other error, ArgumentParser's own among them, as it is.
  static func reported(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as ModelError {
      say(error.description)
      throw ExitCode(status(error.code))
    } catch let error as Usage {
      say(error.message)
      throw ExitCode(usage)
    }
  }

  private static func say(_ text: String) {
    StandardError.write("foretoken: error: \(text.printable)\n")
  }

  static func status(_ code: ModelError.Code) -> Int32 {
    switch code {
    case .malformed, .mismatch, .unsupported: badData
    case .missing: missingInput
    case .outOfMemory: internalError
    case .inputOutput: inputOutput
    }
  }
}

extension String {
  /// The text on one line, control characters made visible: a name in a file that somebody else
  /// made may hold anything, and a terminal obeys.
  var printable: String {
    var text = ""
    for scalar in unicodeScalars {
      if scalar.properties.generalCategory == .control {
        text += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
