@testable import Workload

/// Rows made by the rules, of whatever a test wants to look at.
enum Rows {
  static let plain = DecodingSettings(topK: 50, topP: 1, temperature: 1)

  static func row(
    model: String = "maker/Model-1B", dataset: String = "Alpaca", prompt: String = "Say hello.",
    inputSize: Int = 12, sizes: [Int], decoding: DecodingSettings = plain, seconds: Double = 1.25
  ) -> LengthRow {
    LengthRow(
      model: model, dataset: dataset, prompt: prompt, inputSize: inputSize,
      responses: sizes.map { Response(length: $0) }, decoding: decoding, generationTime: seconds)
  }
}

extension LengthRowReader<BytesInMemory> {
  init(text: String, chunkSize: Int = 1 << 16, options: LengthRowReadingOptions = .init()) {
    self.init(BytesInMemory(text, chunkSize: chunkSize), name: "rows.jsonl", options: options)
  }
}
