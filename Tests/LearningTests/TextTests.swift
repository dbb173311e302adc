import FoundationEssentials
import Testing

@testable import Learning

@Suite struct TextTests {
  /// Enough buckets that no two of a test's phrases share one.
  private func plain(_ words: ClosedRange<Int>?, bytes: ClosedRange<Int>? = nil) throws
    -> HashedNGrams
  {
    var grams = try HashedNGrams(buckets: 1 << 24, words: words, bytes: bytes)
    (grams.isSigned, grams.isSublinear) = (false, false)
    return grams
  }

  @Test("Words are counted without case, and pairs of neighbours are phrases of their own")
  func words() throws {
    let words = try plain(1...1).features(of: "The cat, the CAT; the dog_1!")
    #expect(words.values.sorted() == [1, 2, 3])
    let pairs = try plain(2...2).features(of: "the cat the cat the dog")
    #expect(pairs.values.sorted() == [1, 2, 2])
    let both = try plain(1...2).features(of: "the cat the cat the dog")
    #expect(both.values.reduce(0, +) == 11)
    #expect(both.indices == both.indices.sorted() && Set(both.indices).count == 6)
    #expect(try plain(1...2).features(of: "") == SparseVector())
    #expect(try plain(1...2).features(of: " ,; ") == SparseVector())
    // Letters outside of ASCII belong to words.
    #expect(try plain(1...1).features(of: "über Straße").values == [1, 1])
    // A phrase is its words in their order.
    #expect(try plain(2...2).features(of: "a b") != plain(2...2).features(of: "b a"))
    #expect(try plain(2...2).features(of: "a b") == plain(2...2).features(of: "A -- b."))
  }

  @Test("Pieces of bytes overlap")
  func bytes() throws {
    let pieces = try plain(nil, bytes: 3...3).features(of: "ABCabc")
    // abc, bca, cab, abc.
    #expect(pieces.values.sorted() == [1, 1, 2])
    #expect(try plain(nil, bytes: 3...3).features(of: "ab") == SparseVector())
  }

  @Test("Damping, rarity, norm and sign act as they say")
  func weights() throws {
    var grams = try plain(1...1)
    grams.isSublinear = true
    let damped = grams.features(of: "a a a b")
    let three = 1 + Float(Double.log(3))
    #expect(damped.values.sorted() == [1, three])

    grams.isSublinear = false
    grams.fitFrequencies(["a b", "a c", "a"])
    // a is in all three texts, b in one, x in none.
    let rare = grams.features(of: "a b x").values.sorted()
    for (found, expected) in zip(rare, [1, 1 + Double.log(2), 1 + Double.log(4)]) {
      #expect(abs(Double(found) - expected) < 1e-6)
    }
    // Only a is in two texts; what else stands there is not seen, x no more than b.
    var common = grams
    common.fitFrequencies(["a b", "a c", "a"], minimumTexts: 2)
    #expect(common.features(of: "a b x").values == [1])
    grams.isNormalised = true
    let norm = grams.features(of: "a b x").values.reduce(0) { $0 + $1 * $1 }
    #expect(abs(norm - 1) < 1e-6)
    let decoded = try JSONDecoder().decode(
      HashedNGrams.self, from: JSONEncoder().encode(try HashedNGrams(buckets: 64)))
    #expect(decoded == (try HashedNGrams(buckets: 64)))
  }

  @Test("Signs cancel on average, seeds move every phrase, and buckets fill evenly")
  func hashing() throws {
    let text = (0..<4000).map { "w\($0)" }.joined(separator: " ")
    var grams = try HashedNGrams(buckets: 1 << 8, words: 1...1, seed: 1)
    grams.isSublinear = false
    let signed = grams.features(of: text)
    #expect(abs(signed.values.reduce(0, +)) < 4 * Float(4000).squareRoot())
    grams.isSigned = false
    let counts = grams.features(of: text).values
    #expect(counts.count == 256 && counts.reduce(0, +) == 4000)
    // Chi-square with 255 degrees of freedom, three standard deviations out.
    let chi = counts.reduce(0) { $0 + ($1 - 15.625) * ($1 - 15.625) / 15.625 }
    #expect(chi < 255 + 3 * Float(2 * 255).squareRoot())

    let one = try HashedNGrams(seed: 1).features(of: "some words to hash")
    #expect(try HashedNGrams(seed: 1).features(of: "some words to hash") == one)
    #expect(try HashedNGrams(seed: 2).features(of: "some words to hash").indices != one.indices)
    for buckets in [0, 3, -8, 1 << 25] {
      #expect(throws: LearningError.self) { try HashedNGrams(buckets: buckets) }
    }
    #expect(throws: LearningError.self) { try HashedNGrams(words: 0...1) }
  }

  @Test("Lexical counts of a text with a bit of everything")
  func lexical() {
    let text = """
      # Title
      Write 2 functions, please: first f(x), then g[y]!

      - one
       * two
      3) three
      42. four
      -not a list
      ```swift
      let a = "é" + b; {}
      ```
      Why? Done.
      """
    let counts = LexicalCounts(of: text)
    #expect(counts.bytes == text.utf8.count && counts.characters == text.unicodeScalars.count)
    #expect(counts.foreign == 1)
    #expect(counts.lines == 12 && counts.blankLines == 1)
    #expect(counts.longestLine == 49)
    #expect(counts.headings == 1 && counts.listMarkers == 4 && counts.codeFences == 2)
    #expect(counts.questionMarks == 1 && counts.exclamationMarks == 1)
    #expect(counts.fullStops == 2 && counts.commas == 2 && counts.colons == 1)
    #expect(counts.semicolons == 1 && counts.quotes == 8)
    #expect(counts.parentheses == 3 && counts.brackets == 2 && counts.braces == 2)
    #expect(counts.operators == 3)
    #expect(counts.digits == 4 && counts.capitals == 4)
    #expect(counts.words == 27 && counts.longestWord == 9)
    #expect(counts.features.count == LexicalCounts.names.count)
    #expect(counts.features[2] == 27)
    #expect(Set(LexicalCounts.names).count == LexicalCounts.names.count)
  }

  @Test("Lines are counted with and without a last newline; an empty text has none")
  func lines() {
    #expect(LexicalCounts(of: "").lines == 0)
    #expect(LexicalCounts(of: "a").lines == 1)
    #expect(LexicalCounts(of: "a\n").lines == 1)
    #expect(LexicalCounts(of: "a\n\n").lines == 2)
    #expect(LexicalCounts(of: "a\r\n\r\nb").blankLines == 1)
  }
}
