import FoundationEssentials
import Learning
import Testing

@testable import Workload

@Suite("A predictor from prompts")
struct PromptLengthModelTests {
  /// Two corpora in which the same word asks for opposite lengths; `loud` answers twice as long as
  /// `calm`.
  static func examples(_ prompts: Range<Int> = 0..<240) -> [LengthExample] {
    prompts.flatMap { index in
      let isLong = index / 2 % 2 == 0
      // No phrase holds both words that matter.
      let (dataset, task, length) =
        index % 2 == 0
        ? ("Songs", "Sing me one", isLong ? 800 : 100)
        : ("Sums", "Add them up", isLong ? 100 : 800)
      let prompt = "\(task) and make all of it \(isLong ? "grand" : "plain") as ever, \(index)"
      return [("calm", length / 2), ("loud", length)].map { model, length in
        LengthExample(
          row: Rows.row(
            model: model, dataset: dataset, prompt: prompt,
            sizes: (0..<10).map { length + $0 * length / 100 }),
          prompt: prompt)
      }
    }
  }

  static var settings: PromptLengthSettings {
    var settings = PromptLengthSettings()
    settings.networks = 1
    settings.epochs = 20
    settings.trees = 20
    settings.topics = 4
    settings.hiddenWidth = 16
    return settings
  }

  static let background = BackgroundAnswers(
    name: "writer", prompts: (0..<60).map { "Hum it \($0 % 2 == 0 ? "grand" : "plain") as ever" },
    lengths: (0..<60).map { $0 % 2 == 0 ? 90 : 30 })

  /// The logarithm of the median of its draws.
  private static func truth(_ example: LengthExample) -> Float {
    logarithm(LengthStatistics.percentile(0.5, ofSorted: example.row.outputSizes.sorted()))
  }

  private func copy(
    _ model: PromptLengthModel, _ change: (inout [String: NamedTensor]) -> Void = { _ in }
  ) throws -> PromptLengthModel {
    var tensors = model.tensors
    change(&tensors)
    let text = try JSONEncoder().encode(model.description)
    return try PromptLengthModel(
      JSONDecoder().decode(PromptLengthModel.Description.self, from: text), tensors: tensors)
  }

  @Test("learns each corpus by its own prompts, and comes back from its file the same")
  func experts() throws {
    let model = try PromptLengthModel.train(
      Self.examples(), background: [Self.background], settings: Self.settings)
    #expect(model.experts.count == 2 && model.topics.outputs == 4)
    let again = try copy(model)
    for example in Self.examples(300..<340) {
      let reading = model.read(example.prompt)
      let predicted = model.predict(
        reading, model: example.row.model, inputSize: example.row.inputSize,
        decoding: example.row.decoding)
      #expect(abs(logarithm(predicted.median) - Self.truth(example)) < 0.5)
      // The words alone, without their corpus, cannot tell.
      let own = reading.guesses[example.row.model == "calm" ? 0 : 1]
      let shared = reading.sharedGuesses[example.row.model == "calm" ? 0 : 1]
      #expect(abs(own - Self.truth(example)) < 0.4)
      #expect(abs(shared - Self.truth(example)) > 0.5)
      let same = again.predict(
        again.read(example.prompt), model: example.row.model, inputSize: example.row.inputSize,
        decoding: example.row.decoding)
      #expect(same == predicted)
    }
    let (tensors, others) = (model.tensors, again.tensors)
    #expect(tensors == others)
  }

  @Test("is the same for the same seed, whatever the threads")
  func seeds() throws {
    var settings = Self.settings
    let first = try PromptLengthModel.train(Self.examples(), settings: settings).tensors
    settings.threads = 3
    #expect(try PromptLengthModel.train(Self.examples(), settings: settings).tensors == first)
    settings.seed = 2
    #expect(try PromptLengthModel.train(Self.examples(), settings: settings).tensors != first)
  }

  @Test("of one corpus has no experts; hashed words need no vocabulary", arguments: [nil, 10])
  func plain(bucketBits: Int?) throws {
    var settings = Self.settings
    settings.bucketBits = bucketBits
    let examples = Self.examples().filter { $0.row.dataset == "Sums" }
    let model = try PromptLengthModel.train(examples, settings: settings)
    #expect(model.experts.isEmpty && model.terms.vocabularies.isEmpty == (bucketBits != nil))
    let again = try copy(model)
    for example in Self.examples(300..<330) where example.row.dataset == "Sums" {
      func predict(_ model: PromptLengthModel) -> LengthDistribution {
        model.predict(
          model.read(example.prompt), model: example.row.model,
          inputSize: example.row.inputSize, decoding: example.row.decoding)
      }
      #expect(abs(logarithm(predict(model).median) - Self.truth(example)) < 0.5)
      #expect(predict(again) == predict(model))
    }
  }

  @Test("out of a damaged file is named by what is damaged")
  func damage() throws {
    let model = try PromptLengthModel.train(Self.examples(), settings: Self.settings)
    func expect(
      _ start: String, _ change: (inout [String: NamedTensor]) -> Void = { _ in }
    ) throws {
      var problem = ""
      do {
        _ = try copy(model, change)
      } catch let error as LearningError {
        problem = error.description
      }
      #expect(start.isEmpty ? problem.isEmpty : problem.hasPrefix(start))
    }
    try expect("")
    try expect("terms.head.keys.low: is missing") { $0["terms.head.keys.low"] = nil }
    try expect("terms.tail.vocabulary: term 1 is not above") {
      $0["terms.tail.keys.high"]?.values.reverse()
    }
    try expect("expert.1.weights") { $0["expert.1.weights"]?.values.removeLast() }
    try expect("topics.means") { $0["topics.means"]?.values[0] = .nan }
    try expect("guesses.weights: is missing") { $0["guesses.weights"] = nil }
  }
}
