/// A trained predictor that reads the prompts of a trace's requests, each once, when it comes.
package struct PromptPredictor: LengthPredictor {
  private let model: PromptLengthModel
  private let answering: String
  private let decoding: DecodingSettings
  private let prompts: [String]

  /// - Parameters:
  ///   - answering: the model whose answers are predicted, as the training rows name it.
  ///   - decoding: how its tokens are chosen.
  ///   - prompts: at least one; request i has the one at i modulo their number.
  package init(
    _ model: PromptLengthModel, answering: String, decoding: DecodingSettings, prompts: [String]
  ) {
    self.model = model
    self.answering = answering
    self.decoding = decoding
    self.prompts = prompts
  }

  package var name: String { "prompt" }

  package func prediction(for request: Request) -> LengthPrediction? {
    guard !prompts.isEmpty else { return nil }
    return model.predict(
      model.read(prompts[request.id % prompts.count]), model: answering,
      inputSize: request.inputLength, decoding: decoding
    ).prediction
  }
}
