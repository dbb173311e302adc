import ArgumentParser
import FoundationEssentials
import Transformer

/// `foretoken convert`: somebody else's model becomes a folder of ours.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a Foretoken folder of a Hugging Face folder or a GGUF file.",
    discussion: """
      The weights are packed, so that they take less room and load on all threads; without --dtype \
      they keep every bit, except that quantised blocks become F16. --model reads the same sources as \
      they are.
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder with config.json, tokenizer.json and safetensors, or a GGUF file.",
      valueName: "source"))
  var source: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to make.", valueName: "dir"))
  var output: String
  @Option(help: "Convert F32, BF16 and F16 tensors to this type. (default: keep every bit)")
  var dtype: Weights.Pack.FloatType?
  @OptionGroup var threads: ThreadCount

  func validate() throws {
    if output.isEmpty { throw ValidationError("--output takes the name of a folder") }
  }

  func run() throws {
    try Failure.reported {
      guard !FileManager.default.fileExists(atPath: output) else {
        throw CommandError(Failure.usage, "\(output) is there already")
      }
      let directory = try ModelDirectory(path: source)
      let bar = ProgressBar(label: "converting \(source)")
      defer { bar.finish() }
      Interrupt.watch()
      Interrupt.endAfterRound()
      try ModelConversion(directory).write(
        to: output, as: dtype?.dtype, threads: threads.count,
        isCancelled: { Interrupt.isRequested }
      ) { bar.update(done: $0, total: $1) }
      bar.finish()
      let made = try ModelDirectory(path: output).checkpoint
      let (before, after) = (directory.checkpoint.fileBytes, made.fileBytes)
      StandardError.write(
        "\(output): \(made.files.reduce(0) { $0 + $1.tensors.count }) tensors, "
          + "\(byteText(before)) -> \(byteText(after)) (\(ratioText(after, to: before)))\n")
    }
  }
}
