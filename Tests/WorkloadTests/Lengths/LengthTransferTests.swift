import Learning
import Testing

@testable import Workload

@Suite("A predictor for a model from a few of its answers")
struct LengthTransferTests {
  /// Prompts of one of two words; `short` answers the first at length, `long` the second.
  private func examples(
    _ model: String, _ first: Int, _ second: Int, prompts: Range<Int> = 0..<80
  ) -> [LengthExample] {
    prompts.map { index in
      let prompt = index % 2 == 0 ? "Sing about number \(index)" : "Count up to number \(index)"
      let length = index % 2 == 0 ? first : second
      return LengthExample(
        row: Rows.row(
          model: model, prompt: prompt, sizes: (0..<10).map { length + $0 - index % 3 }),
        prompt: prompt)
    }
  }

  @Test("takes the model that it answers like, and the factor between them")
  func donor() throws {
    var settings = PromptLengthSettings()
    settings.bucketBits = 8
    settings.networks = 1
    settings.epochs = 60
    let model = try PromptLengthModel.train(
      examples("singer", 900, 100) + examples("counter", 100, 900), settings: settings)
    let shots = examples("new", 300, 1800, prompts: 100..<120)
    let transfer = LengthTransfer(model, shots: shots)
    #expect(transfer.donor == "counter")
    #expect((1.4...3.2).contains(transfer.factor))
    let tested = examples("new", 300, 1800, prompts: 200..<230)
    func error(_ transfer: LengthTransfer) -> Double {
      LengthScores(
        tested.map { example in
          LengthForecast(
            row: example.row,
            predicted: transfer.predict(
              model.read(example.prompt), inputSize: example.row.inputSize,
              decoding: example.row.decoding))
        })[.absoluteError]
    }
    let unknown = LengthTransfer(model, shots: [])
    #expect(unknown.donor == nil && unknown.factor == 1)
    #expect(error(transfer) < 0.6 * error(unknown))
  }
}
