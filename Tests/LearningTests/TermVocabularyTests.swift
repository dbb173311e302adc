import Testing

@testable import Learning

@Suite("A vocabulary of terms")
struct TermVocabularyTests {
  private static let grams = try? HashedNGrams(buckets: 1, words: 1...2)

  private func keys(_ text: String) throws -> [UInt32] {
    let grams = try #require(Self.grams)
    return withUTF8(text) { grams.keys(of: $0) }
  }

  private func learnt() throws -> TermVocabulary {
    try TermVocabulary(
      learning: ["red fish", "red bird", "lone"].map { try keys($0) },
      others: ["red cat", "cat", "cat", "dog", "lone wolf"].map { try keys($0) },
      minimum: 2, minimumOthers: 3)
  }

  @Test("has the terms of the texts that come twice, then those of others that come often")
  func learning() throws {
    let vocabulary = try learnt()
    // "red" in two texts, "lone" in a text and another's; "cat" in three others. "fish" comes once,
    // "dog" too, and so does every pair.
    #expect(vocabulary.ownCount == 2 && vocabulary.count == 3)
    let own = Set(try keys("red") + keys("lone"))
    #expect(Set(vocabulary.keys[..<2]) == own && vocabulary.keys[0] < vocabulary.keys[1])
    #expect(vocabulary.keys[2...] == (try keys("cat"))[...])
    // Eight texts: "red" and "cat" are in three, "lone" in two.
    let place = try #require(vocabulary.keys.firstIndex(of: try keys("red")[0]))
    #expect(vocabulary.rarities[place] == 1 + Float(Double.log(9.0 / 4)))
    #expect(vocabulary.rarities[1 - place] == 1 + Float(Double.log(9.0 / 3)))
    #expect(vocabulary.rarities[2] == 1 + Float(Double.log(9.0 / 4)))
  }

  @Test("leaves out what it does not know, dampens counts and scales to a norm of one")
  func features() throws {
    var vocabulary = try learnt()
    vocabulary.rarities = [1, 1, 2]
    let vector = vocabulary.features(of: try keys("cat red, unknown RED cat cat red words"))
    let red = Int32(try #require(vocabulary.keys.firstIndex(of: try keys("red")[0])))
    #expect(vector.indices == [red, 2])
    let (redValue, catValue) = (1 + Float(Double.log(3)), 2 * (1 + Float(Double.log(3))))
    let norm = (redValue * redValue + catValue * catValue).squareRoot()
    #expect(abs(vector.values[0] - redValue / norm) < 1e-6)
    #expect(abs(vector.values[1] - catValue / norm) < 1e-6)
    #expect(vocabulary.features(of: try keys("nothing of this")) == SparseVector())
    #expect(vocabulary.features(of: []) == SparseVector())
  }

  @Test("finds every term among many")
  func lookup() throws {
    var random = SeededRandom(3)
    let keys = Set((0..<5000).map { _ in UInt32(truncatingIfNeeded: random.next()) }).sorted()
    let vocabulary = try TermVocabulary(
      keys: keys, ownCount: keys.count, rarities: keys.map { _ in 1 })
    #expect(vocabulary.columns(of: keys) == keys.indices.map { UInt32($0) })
    let known = Set(keys)
    let unknown = (0..<5000).map { _ in UInt32(truncatingIfNeeded: random.next()) }
      .filter { !known.contains($0) }
    #expect(vocabulary.columns(of: unknown) == [])
    #expect(try TermVocabulary(keys: [], ownCount: 0, rarities: []).columns(of: keys) == [])
  }

  @Test("comes back from its arrays")
  func roundTrip() throws {
    let vocabulary = try learnt()
    #expect(try TermVocabulary(vocabulary.tensors, count: 3, ownCount: 2) == vocabulary)
    let ends = try TermVocabulary(keys: [0, .max], ownCount: 1, rarities: [0, 99])
    #expect(try TermVocabulary(ends.tensors, count: 2, ownCount: 1) == ends)
  }

  @Test("that is damaged is named")
  func damage() throws {
    let good = try learnt().tensors
    func expect(
      _ start: String, own: Int = 2, _ change: (inout [String: NamedTensor]) -> Void = { _ in }
    ) {
      var tensors = good
      change(&tensors)
      var problem = ""
      do throws(LearningError) {
        _ = try TermVocabulary(tensors, count: 3, ownCount: own)
      } catch {
        problem = error.description
      }
      #expect(start.isEmpty ? problem.isEmpty : problem.hasPrefix(start))
    }
    expect("")
    expect("keys.low: is missing") { $0["keys.low"] = nil }
    expect("keys.high: has a number") { $0["keys.high"]?.values[0] = 65536 }
    expect("keys.low: has a number") { $0["keys.low"]?.values[1] = 0.5 }
    expect("vocabulary: the rarity of term 2") { $0["rarities"]?.values[2] = -1 }
    expect("vocabulary: term 1 is not above") {
      for name in ["keys.high", "keys.low"] { $0[name]?.values.swapAt(0, 1) }
    }
    expect("vocabulary: 3 terms, 4 of them own", own: 4)
    expect("vocabulary: term 2 comes twice") {
      for name in ["keys.high", "keys.low"] {
        let first = $0[name]?.values[0] ?? 0
        $0[name]?.values[2] = first
      }
    }
  }
}
