import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer

/// Logits and hidden rows against Hugging Face transformers, on tiny checkpoints made by
/// Tools/reference/tiny_llama.py.
@Suite struct ReferenceLogitsTests {
  struct Reference: Decodable {
    struct Prompt: Decodable {
      var tokens: [TokenID]
      var last_logits: [Float]
      var first_logits: [Float]
      var last_hidden: [Float]
    }
    var prompts: [Prompt]
  }

  @Test(
    "f32 agrees to 1e-5 of the largest logit, other weights to their precision",
    arguments: ["tiny-llama", "tiny-qwen2"], [WeightType.f32, .f16, .bf16, .q8])
  func agrees(name: String, type: WeightType) throws {
    let folder = Fixture.path(name)
    let configuration = try LlamaConfiguration(contentsOf: folder + "/config.json")
    let file = Checkpoint(try WeightFile(path: folder + "/model.safetensors"))
    let weights = try LlamaWeights(file, configuration: configuration, type: type, threads: 2)
    let model = try TransformerModel(weights: weights, team: WorkerTeam(threads: 2))
    let reference = try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: URL(filePath: folder + "/reference.json")))
    let tolerance: Float = [.f32: 1e-5, .f16: 2e-2, .bf16: 0.15, .q8: 0.15][type, default: 0]

    for prompt in reference.prompts {
      let sequence = model.openSequence()
      var output = ForwardOutput(
        vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
      let count = prompt.tokens.count
      try model.forward([Slice(sequence, tokens: prompt.tokens[...], rows: count)], into: &output)
      let (v, h) = (model.vocabularySize, model.hiddenSize)
      let largest = prompt.last_logits.map(abs).max() ?? 1
      func difference(_ ours: ArraySlice<Float>, _ theirs: [Float]) -> Float {
        zip(ours, theirs).map { abs($0 - $1) }.max() ?? .infinity
      }
      let last = output.logits[(count - 1) * v..<count * v]
      #expect(difference(last, prompt.last_logits) <= tolerance * largest)
      #expect(difference(output.logits[..<v], prompt.first_logits) <= tolerance * largest)
      let hidden = output.hidden[(count - 1) * h..<count * h]
      #expect(difference(hidden, prompt.last_hidden) <= tolerance * 4)
    }
  }
}
