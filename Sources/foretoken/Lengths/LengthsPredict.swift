import ArgumentParser
import FoundationEssentials
import Reporting
import Workload

/// Predicts how long the answers to prompts will be, by a trained predictor.
struct LengthsPredict: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Predict how long a model's answers to prompts will be, before it has answered.",
    discussion: """
      Prompts are JSON lines as "report" takes them (a "prompt", "instruction", "question" or "text"; \
      an "id" comes back). For each comes the distribution of the answer's length in tokens: \
      quantiles, mean, and the chance that it runs away, repeating itself until a limit stops it. \
      With --generated, of what is left of an answer that has so many tokens and goes on.
      """)

  @Argument(help: "Files with prompts; - is stdin.", completion: .file())
  var files = ["-"]

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "The model that will answer, named as in the rows that were trained on; --models lists them. "
        + "Others are predicted as a model of which nothing is known.", valueName: "model"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "A file of \"lengths train\". (default: the shipped one, of CASTILLO's 13 models)",
      valueName: "file"), completion: .file())
  var predictor: String?

  @Option(
    help: ArgumentHelp(
      "Rows of about 20 prompts that the answering model has answered, with text, as \"collect\" "
        + "writes them: predictions are moved to it.", valueName: "rows"), completion: .file())
  var shots: String?

  @Option(
    help: ArgumentHelp(
      "Tokens of the prompt with its template, for all prompts. (default: a quarter of the bytes)",
      valueName: "tokens"))
  var inputSize: Int?

  @Option(help: "The answering model's temperature.") var temperature = 0.7
  @Option(help: "Its top-p.") var topP = 0.95
  @Option(help: "Its top-k; 0 where every token may be drawn.") var topK = 50
  @Option(help: "Tokens that the answer has already.") var generated = 0
  @Flag(help: "List the models that the predictor knows.") var models = false
  @Option(help: "How to print: \(TableFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = TableFormat.table

  func validate() throws {
    guard inputSize ?? 1 > 0 else { throw ValidationError("--input-size takes 1 or more") }
    guard generated >= 0 else { throw ValidationError("--generated takes 0 or more") }
  }

  func run() throws {
    try Failure.reported {
      StandardOutput.ignoreBrokenPipes()
      let trained = try LengthPredictorFile.read(try predictor ?? Self.shipped())
      if models { return try StandardOutput.write(trained.models.joined(separator: "\n") + "\n") }
      let transfer = try shots.map { LengthTransfer(trained, shots: try Self.readShots($0)) }
      if let transfer {
        StandardError.write(
          "foretoken: taken to answer like \(transfer.donor ?? "no known model in particular"), "
            + "\(threeDigits(transfer.factor)) times as long\n")
      } else if let model, !trained.models.contains(model) {
        StandardError.write(
          "foretoken: the predictor does not know \(model.printable) (--models lists what it "
            + "knows): it is taken for a model of which nothing is known\n")
      }
      let decoding = DecodingSettings(topK: topK, topP: topP, temperature: temperature)
      var table = Table(columns: Self.columns, rows: [])
      for file in files {
        for prompt in try PromptFile.read(path: file, limit: nil) {
          let inputSize = inputSize ?? max(1, prompt.text.utf8.count / 4)
          let reading = trained.read(prompt.text)
          let lengths =
            transfer?.predict(reading, inputSize: inputSize, decoding: decoding)
            ?? trained.predict(
              reading, model: model ?? "", inputSize: inputSize, decoding: decoding)
          table.rows.append([.text(prompt.id.printable)] + values(lengths))
        }
      }
      try StandardOutput.write(
        format.render([(title: "Tokens of the answers", key: "predictions", table: table)]))
    }
  }

  private static func readShots(_ path: String) throws -> [LengthExample] {
    var reader = LengthRowReader(try FileBytes(path: path), name: path, options: .init())
    let rows = SanitisedRows(try reader.rest()).sanitised
    let examples = rows.compactMap { row in
      row.promptText.map { LengthExample(row: row, prompt: $0) }
    }
    guard !examples.isEmpty, Set(examples.map(\.row.model)).count == 1 else {
      throw WorkloadError(
        .malformed, source: path,
        problem: "holds rows with text of \(Set(examples.map(\.row.model)).count) models",
        advice: "give the rows of one model, with their prompt_text")
    }
    return examples
  }

  private static let levels = [0.1, 0.5, 0.9, 0.99]

  private static let columns =
    [Table.Column("prompt", key: "id")]
    + levels.map { level in
      let percent = Int((100 * level).rounded())
      return Table.Column("\(percent) %", key: "p\(percent)", .number(.fixed(0)))
    } + [
      Table.Column("mean", key: "mean", .number(.fixed(0))),
      Table.Column("runs away", key: "runaway_probability", .number(.percent(2))),
    ]

  private func values(_ lengths: LengthDistribution) -> [Table.Value] {
    let quantiles = Self.levels.map {
      generated == 0 ? lengths.quantile($0) : lengths.remaining($0, after: generated)
    }
    let mean = generated == 0 ? lengths.mean : lengths.expectedRemaining(after: generated)
    return (quantiles + [mean, lengths.runawayProbability(after: generated)]).map { .number($0) }
  }

  /// - Throws: `CommandError` where the folder `Weights` is not beside the program.
  private static func shipped() throws(CommandError) -> String {
    guard let folder = ShippedPair.folder else {
      throw CommandError(
        Failure.missingInput, "the shipped predictor was not found: name one with --predictor")
    }
    return folder + "/lengths/castillo.safetensors.zst"
  }
}
