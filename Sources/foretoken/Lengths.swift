import ArgumentParser
import Learning
import Transformer
import Workload

/// How long answers are, and how long they will be.
struct Lengths: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "How long a model's answers are: statistics, predictors, and what limits them.",
    subcommands: [LengthsStats.self, LengthsTrain.self, LengthsEvaluate.self])
}

extension Failure {
  static func status(_ code: WorkloadError.Code) -> Int32 {
    switch code {
    case .malformed, .unknownFormat, .underdetermined: badData
    case .invalidSetting: usage
    case .missing: missingInput
    case .inputOutput: inputOutput
    }
  }

  /// Runs `body`, and turns an error about rows or predictors into its line and its status.
  static func reportedRows(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as WorkloadError {
      StandardError.write("foretoken: error: \(error.description.printable)\n")
      throw ExitCode(status(error.code))
    } catch let error as LearningError {
      StandardError.write("foretoken: error: \(error.description.printable)\n")
      throw ExitCode(badData)
    } catch let error as ModelError {
      StandardError.write("foretoken: error: \(error.description.printable)\n")
      throw ExitCode(status(error.code))
    }
  }
}
