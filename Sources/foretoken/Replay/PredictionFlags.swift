import ArgumentParser
import Workload

/// Who says how long answers will be.
struct PredictionFlags: ParsableArguments {
  @Option(
    help: """
      Who predicts lengths: none, group (recent lengths), noise (of --tau), best-of-ten (knows ten \
      other answers to the prompt; best-of-ten:TAU their tau, CASTILLO's without), oracle, or a \
      file of "lengths train" that reads --prompts.
      """)
  var predictor = "none"
  @Option(help: "Kendall's tau of the noise model.")
  var tau = 0.6
  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "The model whose answers the file predicts, where it knows several.", valueName: "model"))
  var answering: String?

  /// One that goes by lengths alone; nil for a file.
  private var named: NamedPredictor? {
    try? NamedPredictor(predictor == "noise" ? "noise:\(tau)" : predictor)
  }

  /// What reports call it.
  var label: String { named == nil ? "prompt" : predictor }

  /// - Parameter texts: of the prompts, where there are any.
  /// - Throws: `CommandError` for one that has nothing to go by.
  func predictor(
    _ trace: TraceFlags, texts: [String]?, decoding: DecodingSettings, seed: UInt64
  ) throws -> any LengthPredictor {
    guard let named else { return try trained(texts, decoding) }
    guard named.readsTrace else { return try named.predictor(lengths: [], seed: seed) }
    guard trace.trace != "-" else {
      throw CommandError(
        Failure.usage,
        "--predictor \(predictor) reads the trace twice, which stdin does not allow")
    }
    var source = try trace.open(seed: seed)
    return try named.predictor(lengths: source.collect().map(\.outputLength), seed: seed)
  }

  private func trained(
    _ texts: [String]?, _ decoding: DecodingSettings
  ) throws -> any LengthPredictor {
    guard predictor.contains("/") || predictor.contains(".") else {
      throw CommandError(
        Failure.usage,
        "--predictor \(predictor.printable): known are "
          + "\(PredictorTable.names.joined(separator: ", ")) (TAU in 0 to 1) and files"
      )
    }
    guard let texts else {
      throw CommandError(
        Failure.usage, "--predictor \(predictor.printable) reads prompts: name them with --prompts")
    }
    let model = try LengthPredictorFile.read(predictor)
    let only = model.models.count == 1 ? model.models.first : nil
    guard let name = answering ?? only, model.models.contains(name) else {
      throw CommandError(
        Failure.usage,
        "\(predictor.printable) predicts for \(model.models.joined(separator: ", ").printable): "
          + "name one with --for")
    }
    return PromptPredictor(model, answering: name, decoding: decoding, prompts: texts)
  }
}
