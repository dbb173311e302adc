import Reporting
import Workload

/// What a prediction costs: the time of one on one core, the prompt's text read anew each time, and
/// the memory of the predictor.
struct PredictorCost {
  /// Microseconds of reading a prompt and of predicting from what was read, each in order of
  /// prompts.
  private var reading: [Double] = []
  private var predicting: [Double] = []
  private var promptBytes = 0
  private let byteCount: Int

  /// - Returns: nil without examples.
  init?(_ model: PromptLengthModel, _ examples: [LengthExample]) {
    guard !examples.isEmpty else { return nil }
    byteCount = model.byteCount
    let clock = ContinuousClock()
    let step = examples.count / 4000 + 1
    for index in stride(from: 0, to: examples.count, by: step) {
      let (row, prompt) = (examples[index].row, examples[index].prompt)
      let start = clock.now
      let text = model.read(prompt)
      let between = clock.now
      let predicted = model.predict(
        text, model: row.model, inputSize: row.inputSize, decoding: row.decoding)
      let end = clock.now
      guard predicted.median > 0 else { continue }
      reading.append((between - start) / .microseconds(1))
      predicting.append((end - between) / .microseconds(1))
      promptBytes += prompt.utf8.count
    }
  }

  var table: Table {
    let whole = zip(reading, predicting).map(+)
    func column(_ title: String, _ key: String) -> Table.Column {
      Table.Column(title, key: key, .number(.fixed(1)))
    }
    return Table(
      columns: [
        Table.Column("prompts", key: "prompts", .number(.fixed(0))),
        Table.Column("bytes a prompt", key: "prompt_bytes", .number(.fixed(0))),
        column("µs a prompt, mean", "microseconds_mean"), column("P50", "microseconds_p50"),
        column("P99", "microseconds_p99"), column("reading", "reading_microseconds"),
        column("predicting", "predicting_microseconds"), column("MiB of memory", "memory_mib"),
      ],
      rows: [
        [
          .count(whole.count), .number(Double(promptBytes) / Double(max(1, whole.count))),
          .number(Sample(whole).mean), .number(Sample(whole).median),
          .number(Sample(whole).quantile(0.99)), .number(Sample(reading).mean),
          .number(Sample(predicting).mean), .number(Double(byteCount) / 1_048_576),
        ]
      ])
  }
}
