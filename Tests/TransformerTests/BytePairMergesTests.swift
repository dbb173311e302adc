import Decoding
import Support
import Testing
import Transformer

@Suite struct BytePairMergesTests {
  private typealias Rule = (left: TokenID, right: TokenID, made: TokenID)

  /// Bytes are their own tokens; every rule makes the next token.
  private static func merges(_ rules: [Rule]) -> BytePairMerges {
    var merges = BytePairMerges(
      alphabet: TokenAlphabet(bytes: (0..<256).map { TokenID($0) }), capacity: rules.count)
    for (place, rule) in rules.enumerated() {
      merges.insert(rule.left, rule.right, makes: rule.made, place: place)
    }
    return merges
  }

  /// The definition, word by word: the earliest rule that applies, leftmost first, until none does.
  private static func merged(_ word: [UInt8], by rules: [Rule]) -> [TokenID] {
    var tokens = word.map { TokenID($0) }
    while true {
      let place = rules.firstIndex { rule in
        zip(tokens, tokens.dropFirst()).contains { $0 == (rule.left, rule.right) }
      }
      guard let place else { return tokens }
      let rule = rules[place]
      let index = tokens.indices.dropLast().first {
        (tokens[$0], tokens[$0 + 1]) == (rule.left, rule.right)
      }
      guard let index else { return tokens }
      tokens.replaceSubrange(index...index + 1, with: [rule.made])
    }
  }

  @Test("Short and long words merge as the definition says", arguments: 0..<20)
  func definition(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var rules: [Rule] = []
    for made in TokenID(256)..<290 {
      // Two letters and what was made so far, so that rules meet often.
      let tokens = [97, 98] + Array(256..<made)
      guard let left = tokens.randomElement(using: &generator),
        let right = tokens.randomElement(using: &generator),
        !rules.contains(where: { ($0.left, $0.right) == (left, right) })
      else { continue }
      rules.append((left, right, made))
    }
    rules.shuffle(using: &generator)
    let merges = Self.merges(rules)
    for length in [0, 1, 2, 3, 10, BytePairMerges.longestSearched, 49, 200] {
      let word = (0..<length).map { _ in UInt8.random(in: 97...98, using: &generator) }
      var tokens: [TokenID] = [7]
      word.withUnsafeBytes { _ = merges.append($0, to: &tokens) }
      #expect(tokens == [7] + Self.merged(word, by: rules))
    }
  }

  @Test("Bytes that the vocabulary lacks are dropped")
  func missingBytes() {
    var bytes = (0..<256).map { TokenID($0) }
    bytes[98] = -1
    let merges = BytePairMerges(alphabet: TokenAlphabet(bytes: bytes), capacity: 0)
    for count in [1, 60] {
      var tokens: [TokenID] = []
      let word = [UInt8](repeating: 98, count: count) + [97]
      word.withUnsafeBytes { _ = merges.append($0, to: &tokens) }
      #expect(tokens == [97])
    }
  }

  @Test("A word of a million equal letters takes some steps for each letter, not for each pair")
  func steps() {
    // aa, aaaa, ... up to 2^10 letters.
    let rules: [Rule] = (0..<10).map { level in
      let part: TokenID = level == 0 ? 97 : TokenID(255 + level)
      return (part, part, TokenID(256 + level))
    }
    let merges = Self.merges(rules)
    func steps(_ count: Int) -> Int {
      var tokens: [TokenID] = []
      let word = [UInt8](repeating: 97, count: count)
      let steps = word.withUnsafeBytes { merges.append($0, to: &tokens) }
      #expect(tokens == Array(repeating: 265, count: count >> 10))
      return steps
    }
    let (small, large) = (steps(1 << 16), steps(1 << 20))
    #expect(large < 64 << 20)
    #expect(Double(large) / Double(small) < 16 * 20.0 / 16 * 1.2)
  }
}
