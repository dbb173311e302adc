import ArgumentParser
import Decoding
import Learning
import Transformer

/// Trains the heads of a pair.
struct HeadTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train SpecDec++'s head as published, and ours, on collected samples.")

  @Argument(help: "A file that \"head collect\" wrote.")
  var samples: String
  @Option(name: .shortAndLong, help: "The file of heads to write.")
  var output = Head.fileName
  @Option(help: "Share of the prompts that is held out to choose the best epoch.")
  var heldOut = 0.1
  @Option(help: "The most epochs of our heads; training stops when held-out prompts get worse.")
  var epochs = 12
  @Option(name: .shortAndLong, help: "Seed of weights and order.")
  var seed: UInt64 = 1
  @OptionGroup var threads: ThreadCount
  @Flag(name: .shortAndLong, help: "Say nothing about epochs.")
  var quiet = false

  func validate() throws {
    guard (0...0.5).contains(heldOut) else {
      throw ValidationError("--held-out takes 0 to 0.5, not \(heldOut)")
    }
    guard (1...1000).contains(epochs) else {
      throw ValidationError("--epochs takes 1 to 1000, not \(epochs)")
    }
  }

  func run() throws {
    try Failure.reported {
      let file = try HeadSampleFile(contentsOf: samples)
      let every = heldOut > 0 ? max(2, Int(1 / heldOut)) : Int.max
      func split<Sample>(
        _ samples: [Sample], _ prompts: [Int]
      ) -> (training: [Sample], heldOut: [Sample]) {
        let pairs = zip(samples, prompts)
        return (
          pairs.filter { $1 % every != every - 1 }.map(\.0),
          pairs.filter { $1 % every == every - 1 }.map(\.0)
        )
      }
      let (onPolicy, onPolicyHeldOut) = split(file.onPolicy, file.prompts)
      let (forced, forcedHeldOut) = split(file.teacherForced, file.forcedPrompts)
      var training = HeadTraining()
      training.seed = seed
      training.threads = threads.count
      training.epochs = epochs
      func report(_ name: String, _ epoch: EpochSummary, _ of: Int) {
        guard !quiet else { return }
        let loss = epoch.heldOutLoss.map { ", held out \($0.fixed(4))" } ?? ""
        StandardError.write(
          "\(name): epoch \(epoch.epoch) of \(of), loss \(epoch.trainingLoss.fixed(4))\(loss)\n")
      }
      do {
        let heads = try training.heads(onPolicy, heldOut: onPolicyHeldOut, report: report)
        let published =
          forced.isEmpty
          ? nil : try training.specDecPlusPlus(forced, heldOut: forcedHeldOut, report: report)
        let trained = HeadFile(
          specDecPlusPlus: published, heads: heads,
          estimator: try training.estimator(onPolicy, heldOut: onPolicyHeldOut, heads: heads),
          provenance: "\(file.provenance); trained with seed \(seed)")
        try trained.write(to: output)
      } catch let error as LearningError {
        throw CommandError(Failure.badData, "\(samples): \(error)")
      }
      print(
        "\(output): trained on \(onPolicy.count) on-policy and \(forced.count) teacher-forced "
          + "samples, \(onPolicyHeldOut.count) and \(forcedHeldOut.count) held out")
    }
  }
}
