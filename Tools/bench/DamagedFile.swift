import ArgumentParser
import Decoding
import FoundationEssentials
import Support
import Transformer

/// A file of a model that is damaged and read again and again, in a folder of its own.
struct DamagedFile {
  enum Kind: String, CaseIterable, ExpressibleByArgument {
    case weights, tokenizer, model
    /// A folder's weights and `config.json`, without its tokenizer.
    case checkpoint
  }

  enum Outcome: Equatable {
    case refused(ModelError.Code)
    /// A hash of all that came of reading.
    case same(Int)
  }

  struct Reading {
    var outcome: Outcome
    /// The most bytes held for weights.
    var peak: Int
    var seconds: Double
  }

  let kind: Kind
  let sound: [UInt8]
  private let name: String
  private let folder: TemporaryFolder
  private let team: WorkerTeam

  /// Copies the file; where it is read as a part of a model, its folder too.
  init(_ path: String, as kind: Kind?) throws {
    let url = URL(filePath: path)
    name = url.lastPathComponent
    sound = try Array(Data(contentsOf: url))
    folder = try TemporaryFolder()
    team = try WorkerTeam(threads: 1)
    if let kind {
      self.kind = kind
    } else if name == "tokenizer.json" {
      self.kind = .tokenizer
    } else if name == "model.safetensors.index.json" {
      self.kind = .checkpoint
    } else {
      self.kind = name.hasSuffix(".json") || name.hasSuffix(".gguf") ? .model : .weights
    }
    if [.model, .checkpoint].contains(self.kind), !name.hasSuffix(".gguf") {
      let source = url.deletingLastPathComponent()
      for other in try FileManager.default.contentsOfDirectory(atPath: source.path) {
        try FileManager.default.copyItem(
          atPath: source.appending(path: other).path, toPath: folder.file(other))
      }
    }
    try folder.write(sound, as: name)
  }

  /// Writes a damaged copy, the same for the same seed, and says what was done to it.
  func damage(seed: UInt64) throws -> String {
    var generator = SeededGenerator(seed: seed)
    var bytes = sound
    let what =
      name.hasSuffix(".json") && Int.random(in: 0..<4, using: &generator) > 0
      ? "\(JSONCorruption.damage(&bytes, using: &generator))"
      : "\(Corruption.damage(&bytes, using: &generator))"
    try folder.write(bytes, as: name)
    return what
  }

  /// - Throws: what is no `ModelError`.
  func read() throws -> Reading {
    let budget = MemoryBudget()
    let start = ContinuousClock.now
    var hasher = Hasher()
    var outcome: Outcome
    do {
      switch kind {
      case .weights: try weights(budget, &hasher)
      case .tokenizer: try use(Tokenizer(contentsOf: folder.file(name)), &hasher)
      case .model: try model(&hasher)
      case .checkpoint:
        let configuration = try LlamaConfiguration(contentsOf: folder.file("config.json"))
        let weights = try LlamaWeights(
          Checkpoint(path: folder.path), configuration: configuration, type: .f32, threads: 1)
        try run(TransformerModel(weights: weights, team: team), &hasher)
      }
      outcome = .same(hasher.finalize())
    } catch let error as ModelError {
      outcome = .refused(error.code)
    }
    let seconds = (ContinuousClock.now - start).seconds
    return Reading(outcome: outcome, peak: budget.peak, seconds: seconds)
  }

  private func weights(_ budget: MemoryBudget, _ hasher: inout Hasher) throws {
    let file = try WeightFile(path: folder.file(name), budget: budget)
    for tensor in file.tensors {
      hasher.combine(tensor.name)
      hasher.combine(tensor.dtype)
      hasher.combine(tensor.shape)
      try file.read(tensor.name) { rows in
        withUnsafeTemporaryAllocation(byteCount: rows.byteCount, alignment: 8) { memory in
          if let base = memory.baseAddress { rows.copyElements(to: base) }
          hasher.combine(bytes: UnsafeRawBufferPointer(memory))
        }
      }
    }
  }

  private func use(_ tokenizer: Tokenizer, _ hasher: inout Hasher) throws {
    for text in Self.texts {
      let ids = tokenizer.encode(text, addSpecialTokens: true)
      hasher.combine(ids)
      hasher.combine(tokenizer.decode(ids, skipSpecialTokens: true))
    }
    hasher.combine(tokenizer.decode([-1, 0, .max], skipSpecialTokens: false))
  }

  private static let texts = [
    "", "Hello, world: 12345 <s> </s>\n\n  it's ÉCOLE 漢字 👍\u{0}",
    String(repeating: "a", count: 2000), String(repeating: " ", count: 2000),
    String(repeating: "\u{2581}👍e\u{301}", count: 300),
  ]

  private func model(_ hasher: inout Hasher) throws {
    let path = name.hasSuffix(".gguf") ? folder.file(name) : folder.path
    let directory = try ModelDirectory(path: path)
    try use(directory.tokenizer, &hasher)
    if case .success(let template) = directory.chatTemplate {
      let messages = [ChatMessage(role: .user, content: "Hello")]
      hasher.combine(try template.tokens(messages, tokenizer: directory.tokenizer))
    }
    hasher.combine(directory.endOfSequence)
    try run(directory.loadModel(type: .f32, team: team), &hasher)
  }

  private func run(_ model: TransformerModel, _ hasher: inout Hasher) throws {
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    let tokens = (0..<40).map { TokenID($0 * 5 % model.vocabularySize) }
    try model.forward([Slice(model.openSequence(), tokens: tokens[...], rows: 2)], into: &output)
    hasher.combine(output.logits.map(\.bitPattern))
  }
}
