import FoundationEssentials
import Support

/// A folder for one test, gone with it.
final class TemporaryFolder {
  let path: String

  init() throws {
    let name = "foretoken-test-\(UInt64.random(in: 0...(.max)))"
    let folder = FileManager.default.temporaryDirectory.appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
    try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
  }
}

/// A model of a few thousand random weights, written as a Hugging Face folder. Its texts are words
/// of small letters without any sense.
struct TinyModel {
  var context = 512
  /// The standard deviation, more or less, of what tells a draft from its target.
  var noise: Float = 0
  /// Tokens that the model has and the tokenizer has not, beside those up to a multiple of eight.
  var padding = 0
  /// Tokens that the tokenizer has beside the 256 bytes.
  var merges = ["t h", "th e", "i n", "a n", "an d"]
  var chatTemplate: String? = Self.chatML

  static let chatML =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content']"
    + " + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}"
    + "{{ '<|im_start|>assistant\\n' }}{% endif %}"

  private static let hidden = 32
  private static let intermediate = 48
  private static let layers = 2

  /// Of the tokenizer; the model has some to spare, as real ones do.
  private var tokenCount: Int { 256 + merges.count + 3 }
  private var vocabulary: Int { (tokenCount + 15) / 8 * 8 + padding }
  private var end: Int { tokenCount - 1 }

  /// Writes the folder and returns its path.
  @discardableResult
  func write(_ name: String, in folder: TemporaryFolder) throws -> String {
    let path = "\(folder.path)/\(name)"
    try FileManager.default.createDirectory(
      at: URL(filePath: path), withIntermediateDirectories: true)
    try folder.write("\(name)/config.json", Data(configuration.utf8))
    try folder.write("\(name)/tokenizer.json", tokenizer())
    try folder.write("\(name)/tokenizer_config.json", tokenizerConfiguration())
    try folder.write("\(name)/model.safetensors", weights())
    return path
  }

  private var configuration: String {
    """
    {"model_type": "llama", "hidden_act": "silu", "hidden_size": \(Self.hidden),
     "intermediate_size": \(Self.intermediate), "num_hidden_layers": \(Self.layers),
     "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
     "vocab_size": \(vocabulary), "max_position_embeddings": \(context), "rms_norm_eps": 1e-5,
     "rope_theta": 10000.0, "tie_word_embeddings": true, "eos_token_id": \(end)}
    """
  }

  // MARK: Tokenizer

  /// GPT-2's byte alphabet: every byte as a letter that can be seen.
  private static let letters: [String] = {
    var next: UInt32 = 256
    return (0..<256 as Range<UInt32>).map { byte in
      switch byte {
      case 33...126, 161...172, 174...255:
        return String(Unicode.Scalar(byte).map(Character.init) ?? "?")
      default:
        defer { next += 1 }
        return String(Unicode.Scalar(next).map(Character.init) ?? "?")
      }
    }
  }()

  private func tokenizer() throws -> Data {
    struct File: Encodable {
      struct Step: Encodable {
        var type: String
        var add_prefix_space: Bool?
        var trim_offsets: Bool?
        var use_regex: Bool?
      }
      struct Model: Encodable {
        var type = "BPE"
        var vocab: [String: Int]
        var merges: [String]
      }
      struct Added: Encodable {
        var id: Int
        var content: String
        var single_word = false
        var lstrip = false
        var rstrip = false
        var normalized = false
        var special = true
      }
      var version = "1.0"
      var added_tokens: [Added]
      var pre_tokenizer: Step
      var decoder: Step
      var model: Model
    }
    let texts = Self.letters + merges.map { $0.filter { $0 != " " } }
    let special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    let step = File.Step(
      type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true)
    return try JSONEncoder().encode(
      File(
        added_tokens: special.enumerated().map { .init(id: texts.count + $0, content: $1) },
        pre_tokenizer: step, decoder: step,
        model: .init(
          vocab: Dictionary(uniqueKeysWithValues: texts.enumerated().map { ($1, $0) }),
          merges: merges)))
  }

  private func tokenizerConfiguration() throws -> Data {
    try JSONEncoder().encode([
      "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>",
      "chat_template": chatTemplate,
    ])
  }

  // MARK: Weights

  /// `model.safetensors`, f32.
  private func weights() throws -> Data {
    var tensors: [(name: String, shape: [Int])] = [("model.embed_tokens.weight", [vocabulary, 32])]
    for layer in 0..<Self.layers {
      let prefix = "model.layers.\(layer)."
      tensors += [
        ("input_layernorm.weight", [32]), ("self_attn.q_proj.weight", [32, 32]),
        ("self_attn.k_proj.weight", [16, 32]), ("self_attn.v_proj.weight", [16, 32]),
        ("self_attn.o_proj.weight", [32, 32]), ("post_attention_layernorm.weight", [32]),
        ("mlp.gate_proj.weight", [48, 32]), ("mlp.up_proj.weight", [48, 32]),
        ("mlp.down_proj.weight", [32, 48]),
      ].map { (prefix + $0, $1) }
    }
    tensors.append(("model.norm.weight", [32]))

    struct Entry: Encodable {
      var dtype = "F32"
      var shape: [Int]
      var data_offsets: [Int]
    }
    var generator = SeededGenerator(seed: 1)
    var noises = SeededGenerator(seed: 2)
    var header: [String: Entry] = [:]
    var data = Data()
    for (name, shape) in tensors {
      let start = data.count
      let columns = shape.last ?? 1
      for index in 0..<shape.reduce(1, *) {
        var value = Float.random(in: -0.4...0.4, using: &generator)
        value += noise * Float.random(in: -0.4...0.4, using: &noises)
        if shape.count == 1 { value += 1 }
        if name == "model.embed_tokens.weight" { value *= likelihood(of: index / columns) }
        withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
      }
      header[name] = Entry(shape: shape, data_offsets: [start, data.count])
    }
    var text = try JSONEncoder().encode(header)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
    return length + text + data
  }

  /// Short embeddings have small logits: letters and spaces are what the model likes to say.
  private func likelihood(of token: Int) -> Float {
    switch token {
    case 97...122, 32, 256..<256 + merges.count: 2
    default: 0.3
    }
  }
}
