import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer

/// GGUF files made by Tools/reference/gguf_fixture.py with the gguf package.
@Suite struct GGUFTests {
  static let names = [
    "gemma2", "gemma3", "llama3", "mistral", "phi3-longrope", "qwen2-yarn", "qwen3",
  ]

  static func elements(_ file: WeightFile, _ name: String) throws -> [UInt8] {
    let tensor = try #require(file.tensor(name))
    var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
    try file.read(name) { rows in
      bytes.withUnsafeMutableBytes { target in
        guard let base = target.baseAddress else { return }
        rows.copyElements(to: base + rows.rows.lowerBound * tensor.columns * tensor.dtype.size)
      }
    }
    return bytes
  }

  @Test("Weights of every type of block are what the gguf package makes of them")
  func blocks() throws {
    let file = try WeightFile(path: Fixture.path("gguf/quantised.gguf"))
    let expected = try WeightFile(path: Fixture.path("gguf/quantised.safetensors"))
    #expect(Set(file.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
    for tensor in file.tensors {
      #expect(tensor.shape == [3, 512])
      var values = try Self.elements(file, tensor.name)
      if tensor.dtype == .bf16 {
        values = stride(from: 0, to: values.count, by: 2).flatMap {
          [0, 0, values[$0], values[$0 + 1]]
        }
      }
      if tensor.dtype == .f16 {
        values = stride(from: 0, to: values.count, by: 2).flatMap { index in
          let half = Float16(bitPattern: UInt16(values[index]) | UInt16(values[index + 1]) << 8)
          return withUnsafeBytes(of: Float(half).bitPattern.littleEndian, Array.init)
        }
      }
      #expect(values == (try Self.elements(expected, tensor.name)), "\(tensor.name)")
    }
  }

  static func logits(
    _ checkpoint: Checkpoint, _ configuration: LlamaConfiguration, _ tokens: [TokenID],
    _ type: WeightType
  ) throws -> [UInt32] {
    let weights = try LlamaWeights(checkpoint, configuration: configuration, type: type, threads: 2)
    let model = try TransformerModel(weights: weights, team: WorkerTeam(threads: 1))
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    let slice = Slice(model.openSequence(), tokens: tokens[...], rows: 4)
    try model.forward([slice], into: &output)
    return output.logits.map(\.bitPattern)
  }

  @Test(
    "A GGUF file and the folder that it was made from give the same bits", arguments: names,
    [WeightType.f32, .bf16, .q8])
  func sameBits(name: String, type: WeightType) throws {
    let folder = Fixture.path("families/\(name)")
    let file = try WeightFile(path: Fixture.path("gguf/\(name).gguf"))
    let header = try #require(file.gguf)
    var stated = try LlamaConfiguration(contentsOf: folder + "/config.json")
    let found = try LlamaConfiguration(gguf: file, header)
    let tokens = Array(try FamilyTests.Reference(name).tokens[..<300])
    if name == "llama3" {
      // The file has the factors of frequencies rounded to f32.
      stated.ropeScaling = found.ropeScaling
    }
    // The format has no key for it: llama.cpp knows what Gemma's own models have.
    if name == "gemma2" { stated.attentionScale = found.attentionScale }
    let ours = try Self.logits(Checkpoint(file), found, tokens, type)
    let theirs = try Self.logits(Checkpoint(path: folder), stated, tokens, type)
    if name == "phi3-longrope" {
      // So is the magnitude: bits differ, values do not.
      let pairs = zip(ours, theirs).map { (Float(bitPattern: $0), Float(bitPattern: $1)) }
      #expect(pairs.allSatisfy { abs($0 - $1) <= 1e-4 * 9 } || type == .q8)
    } else {
      let same = ours == theirs
      #expect(same)
    }
  }

  @Test(
    "Logits past the scaling point are those of transformers",
    arguments: names.filter { $0 != "gemma2" })
  func agrees(name: String) throws {
    let file = try WeightFile(path: Fixture.path("gguf/\(name).gguf"))
    let reference = try FamilyTests.Reference(name)
    let configuration = try LlamaConfiguration(gguf: file, try #require(file.gguf))
    let logits = try Self.logits(Checkpoint(file), configuration, reference.tokens, .f32)
    let last = logits.suffix(configuration.vocabularySize).map { Float(bitPattern: $0) }
    let expected = try #require(reference.logits.last)
    let largest = expected.map(abs).max() ?? 0
    let difference = zip(last, expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(difference <= 1e-4 * largest, "\(difference / largest)")
  }

  @Test("Gemma's norms, stored as they are used, are read as Hugging Face has them")
  func norms() throws {
    let file = try WeightFile(path: Fixture.path("gguf/gemma2.gguf"))
    let folder = try WeightFile(path: Fixture.path("families/gemma2/model.safetensors"))
    let norms = folder.tensors.map(\.name).filter { $0.hasSuffix("norm.weight") }
    #expect(norms.count == 9)
    for name in norms {
      let bits = try Self.elements(folder, name)
      let widened: [UInt8] = stride(from: 0, to: bits.count, by: 2).flatMap {
        [0, 0, bits[$0], bits[$0 + 1]]
      }
      #expect(try Self.elements(file, name) == widened, "\(name)")
    }
  }

  @Test("What only the 27 billion of Gemma have is told from the number of layers")
  func largest() throws {
    let file = try WeightFile(path: Fixture.path("gguf/gemma2.gguf"))
    var header = try #require(file.gguf)
    let usual = try LlamaConfiguration(gguf: file, header)
    #expect(usual.attentionScale == 1 / Float(12).squareRoot())
    #expect(usual.slidingWindow?.layers == [true, false])
    #expect((usual.scoreCap, usual.logitCap) == (4, 6))
    header.set("gemma2.block_count", .integer(46))
    header.set("gemma2.attention.sliding_window", nil)
    header.set("gemma2.context_length", .integer(8192))
    header.set("gemma2.attn_logit_softcapping", nil)
    let largest = try LlamaConfiguration(gguf: file, header)
    #expect(largest.attentionScale == 1 / Float(32 / 4).squareRoot())
    #expect(largest.slidingWindow?.size == 4096 && largest.scoreCap == 50)
  }

  @Test(
    "A size of heads that cannot be rotated is refused",
    arguments: [0, 1, 3, -2, 1025, .max, .min])
  func headSize(size: Int) throws {
    let file = try WeightFile(path: Fixture.path("gguf/qwen3.gguf"))
    var header = try #require(file.gguf)
    header.set("qwen3.attention.key_length", .integer(size))
    header.set("qwen3.attention.value_length", .integer(size))
    header.set("qwen3.rope.dimension_count", nil)
    let error = #expect(throws: ModelError.self) { try LlamaConfiguration(gguf: file, header) }
    #expect(error?.code == .malformed && error?.description.contains("head_dim") == true)
  }

  @Test("Quantised blocks become q8 where no type is asked for, and stay near the model")
  func quantised() throws {
    let directory = try ModelDirectory(path: Fixture.path("gguf/smollm2.gguf"))
    let model = try directory.loadModel(team: WorkerTeam(threads: 2))
    #expect(model.weights.type == .q8)
    let reference = try FamilyTests.Reference("smollm2")
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    let slice = Slice(model.openSequence(), tokens: reference.tokens[...], rows: 1)
    try model.forward([slice], into: &output)
    let expected = try #require(reference.logits.last)
    let largest = expected.map(abs).max() ?? 0
    let difference = zip(output.logits, expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(difference <= 0.15 * largest && difference > 0, "\(difference / largest)")
  }

  @Test("A type that is not read is named, with those that are")
  func unsupported() throws {
    let folder = try TemporaryFolder()
    var bytes = try Array(Data(contentsOf: URL(filePath: Fixture.path("gguf/quantised.gguf"))))
    // The type of the tensor Q8_0: after its name, rank and two dimensions.
    let name = Array("Q8_0".utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
    bytes[place + 4 + 4 + 16] = 13
    let path = try folder.write(bytes, as: "model.gguf")
    let error = #expect(throws: ModelError.self) { try WeightFile(path: path) }
    #expect(error?.code == .unsupported)
    #expect(error?.description.contains("Q8_0") == true)
    #expect(error?.description.contains("is of type Q5_K (F32, F16, BF16, Q8_0") == true)
  }
}
