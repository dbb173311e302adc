import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer

/// Perplexity against Hugging Face transformers (Tools/reference/perplexity.py).
@Suite struct PerplexityTests {
  private struct Reference: Decodable {
    struct Case: Decodable {
      var window: Int
      var losses: [Double]
      var perplexity: Double
    }
    var tokens: [TokenID]
    var cases: [Case]
  }

  @Test func `Losses in windows are those of transformers, and so is the perplexity`() throws {
    let folder = Fixture.path("tiny-llama")
    let configuration = try LlamaConfiguration(contentsOf: folder + "/config.json")
    let file = try Checkpoint(path: folder)
    let reference = try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: URL(filePath: folder + "/perplexity.json")))
    // Random weights are nearly certain of nonsense: rounding is small beside such losses only.
    let tolerances: [WeightType: Double] = [.f32: 1e-4, .q8: 0.2, .q4: 2]
    for (type, tolerance) in tolerances {
      let model = try TransformerModel(
        weights: LlamaWeights(file, configuration: configuration, type: type, threads: 1),
        team: WorkerTeam(threads: 1))
      for one in reference.cases {
        var likelihood = TextLikelihood()
        try likelihood.add(reference.tokens, window: one.window, by: model)
        #expect(likelihood.losses.count == one.losses.count)
        let relative = likelihood.perplexity / one.perplexity - 1
        #expect(abs(relative) < tolerance, "\(type), \(one.window): \(relative)")
        guard type == .f32 else { continue }
        for (ours, theirs) in zip(likelihood.losses, one.losses) {
          #expect(abs(ours - theirs) < 1e-4 * max(1, theirs))
        }
      }
    }
  }
}
