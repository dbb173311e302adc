import ArgumentParser
import Decoding
import Endpoint
import Learning
import Transformer
import Workload

/// Something that the command itself found wrong: bad input, or output that cannot be written.
struct CommandError: Error, Equatable, CustomStringConvertible {
  /// Of `<sysexits.h>`; see `Failure`.
  var status: Int32
  /// What, where and what to do, on one line.
  var description: String

  init(_ status: Int32, _ description: String) {
    self.status = status
    self.description = description
  }
}

/// How a command fails: one line on stderr that says what, where and what to do, and a status of
/// `<sysexits.h>`.
enum Failure {
  static let usage: Int32 = 64
  static let badData: Int32 = 65
  static let missingInput: Int32 = 66
  static let internalError: Int32 = 70
  static let inputOutput: Int32 = 74
  static let temporary: Int32 = 75
  static let forbidden: Int32 = 77

  /// Runs `body`, and turns an error that a person can do something about into its line and its
  /// status. That the reader of stdout has gone is no error.
  ///
  /// - Throws: `ExitCode` then; any other error, ArgumentParser's own among them, as it is.
  static func reported(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch is StandardOutput.Closed {
      return
    } catch {
      guard let failure = explained(error) else { throw error }
      StandardError.write("foretoken: error: \(failure.description.printable)\n")
      throw ExitCode(failure.status)
    }
  }

  /// The line and the status of an error that a person can do something about; nil for others.
  static func explained(_ error: any Error) -> CommandError? {
    switch error {
    case let error as CommandError: error
    case let error as ModelError: CommandError(status(error.code), error.description)
    case let error as GenerationError: CommandError(badData, error.description)
    case let error as LearningError: CommandError(badData, error.description)
    case let error as EndpointError: CommandError(status(error.code), error.description)
    case let error as WorkloadError: CommandError(status(error.code), error.description)
    default: nil
    }
  }

  static func status(_ code: EndpointError.Code) -> Int32 {
    switch code {
    case .invalidSetting: usage
    case .unavailable: temporary
    case .forbidden: forbidden
    case .rejected, .malformed: badData
    }
  }

  static func status(_ code: WorkloadError.Code) -> Int32 {
    switch code {
    case .malformed, .unknownFormat, .underdetermined: badData
    case .invalidSetting: usage
    case .missing: missingInput
    case .inputOutput: inputOutput
    }
  }

  static func status(_ code: ModelError.Code) -> Int32 {
    switch code {
    case .malformed, .mismatch, .unsupported: badData
    case .missing: missingInput
    case .outOfMemory: internalError
    case .inputOutput: inputOutput
    case .cancelled: Interrupt.status
    }
  }
}

extension String {
  /// The text on one line, control characters made visible: a name in a file that somebody else
  /// made may hold anything, and a terminal obeys.
  var printable: String { printable(keeping: "") }

  /// Control characters but for those in `kept` made visible.
  func printable(keeping kept: String) -> String {
    var text = ""
    for scalar in unicodeScalars {
      if scalar.properties.generalCategory == .control, !kept.unicodeScalars.contains(scalar) {
        text += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
