import FoundationEssentials
import Support
import Testing

@testable import Transformer

/// Configurations that no model has.
@Suite struct ConfigurationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The configuration of a family with some keys changed or added.
  private func configuration(
    _ family: String, _ changes: [String: String]
  ) throws -> LlamaConfiguration {
    let path = Fixture.path("families/\(family)/config.json")
    var text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    // No member may come twice.
    for key in changes.keys { text = text.replacing("\"\(key)\":", with: "\"was_\(key)\":") }
    let end = try #require(text.lastIndex(of: "}"))
    text.replaceSubrange(end..., with: changes.map { ", \"\($0)\": \($1)" }.joined() + "}")
    return try LlamaConfiguration(contentsOf: folder.write(Array(text.utf8), as: "config.json"))
  }

  @Test(
    "A size of heads that cannot be rotated is refused",
    arguments: ["0", "1", "3", "-2", "1025", "9223372036854775807", "-9223372036854775808"])
  func headSize(size: String) throws {
    for family in ["llama3", "mistral", "qwen3", "phi3-longrope", "gemma2", "gemma3"] {
      let error = #expect(throws: ModelError.self) {
        try configuration(family, ["head_dim": size])
      }
      #expect(error?.code == .malformed, "\(family): \(String(describing: error))")
    }
  }

  @Test(
    "More heads than the hidden size has elements leave none for a head",
    arguments: ["33", "64", "1024"])
  func manyHeads(count: String) throws {
    let error = #expect(throws: ModelError.self) {
      try configuration(
        "llama-linear",
        ["head_dim": "null", "num_attention_heads": count, "num_key_value_heads": count])
    }
    #expect(error?.description.contains("head_dim") == true)
  }

  @Test("Entropy-aware scaling takes its own base and reaches as far as its factor says")
  func entropyAware() throws {
    let changes = ["rope_theta": "10000.0", "rope_scaling": #"{"type": "eabf", "factor": 4.0}"#]
    let found = try configuration("llama-eabf", changes)
    #expect(found.ropeTheta == 500_000)
    #expect(found.ropeScaling == .entropyAware(original: 256))
    #expect(found.contextLength == 1024)
    let scale = found.ropeScaling
    #expect([0, 1].allSatisfy { scale.queryScale(at: 1000, layer: $0) == 1 })
    #expect(scale.queryScale(at: 255, layer: 2) == 1)
    // log 1024 / log 256.
    #expect(abs(scale.queryScale(at: 1023, layer: 2) - 1.25) < 1e-6)
    for factor in ["0", "-1", "null", "1e999"] {
      #expect(throws: ModelError.self) {
        try configuration(
          "llama-eabf", ["rope_scaling": #"{"type": "eabf", "factor": \#(factor)}"#])
      }
    }
  }
}
