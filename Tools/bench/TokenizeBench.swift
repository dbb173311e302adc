import ArgumentParser
import Decoding
import FoundationEssentials
import Transformer

/// Encodes lines of JSON strings, for comparisons with other tokenizers and for speed.
struct TokenizeBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Reads JSON strings, one a line, and writes the JSON arrays of their token ids.")

  @Option(help: "The tokenizer.json.")
  var tokenizer: String
  @Flag(help: "Read arrays of ids and write strings instead.")
  var decode = false
  @Flag(help: "Read arrays of messages and write the prompt's ids by the model's chat template.")
  var chat = false
  @Flag(help: "Put around each text what the post-processor has for it.")
  var addSpecialTokens = false
  @Flag(help: "Encode the texts of special tokens as ordinary text, or leave them out of strings.")
  var plain = false
  @Option(help: "Encode everything this many times and print only the speed of the fastest.")
  var `repeat` = 0
  @Flag(help: "With --repeat: print a JSON object.")
  var json = false

  private struct Speed: Encodable {
    var texts: Int
    var bytes: Int
    var tokens: Int
    var bytesPerSecond: Double
  }

  func run() throws {
    let path = tokenizer
    let tokenizer = try Tokenizer(contentsOf: path)
    if chat {
      let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      guard let template = try ChatTemplate(directory: directory.joined(separator: "/")) else {
        throw ValidationError("the model has no chat template")
      }
      while let line = readLine() {
        let messages = try JSONDecoder().decode([ChatMessage].self, from: Data(line.utf8))
        print(try template.tokens(messages, tokenizer: tokenizer))
      }
      return
    }
    if decode {
      while let line = readLine() {
        let ids = try JSONDecoder().decode([TokenID].self, from: Data(line.utf8))
        let text = tokenizer.decode(ids, skipSpecialTokens: plain)
        print(String(decoding: try JSONEncoder().encode(text), as: UTF8.self))
      }
      return
    }
    var texts: [String] = []
    while let line = readLine() {
      texts.append(try JSONDecoder().decode(String.self, from: Data(line.utf8)))
    }
    func encode(_ text: String) -> [TokenID] {
      tokenizer.encode(text, addSpecialTokens: addSpecialTokens, parseSpecial: !plain)
    }
    guard `repeat` > 0 else {
      for text in texts { print(encode(text)) }
      return
    }
    let bytes = texts.map(\.utf8.count).reduce(0, +)
    var tokens = 0
    let seconds = (0..<`repeat`).map { _ in
      ContinuousClock().measure {
        tokens = texts.map { encode($0).count }.reduce(0, +)
      }.seconds
    }
    let best = seconds.min() ?? .nan
    let speed = Speed(
      texts: texts.count, bytes: bytes, tokens: tokens, bytesPerSecond: Double(bytes) / best)
    if json {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      print(String(decoding: try encoder.encode(speed), as: UTF8.self))
    } else {
      print(
        "\(speed.texts) texts, \(bytes) bytes, \(tokens) tokens:",
        "\((speed.bytesPerSecond / 1e6).rounded(1)) MB/s")
    }
  }
}
