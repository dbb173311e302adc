import Learning

/// The words of a prompt as one long sparse vector, and what can be counted in it as a short one.
///
/// The beginning of a prompt says what is asked and its end often in what form; both would drown in a
/// long context if words counted alike wherever they stand. So the first and the last bytes of a
/// prompt have columns of their own beside those for the whole of it.
struct PromptTerms: Codable, Equatable, Sendable {
  private var whole: HashedNGrams
  private var head: HashedNGrams
  private var tail: HashedNGrams

  /// Bytes that count as the beginning, and as the end.
  static let edge = 160
  /// What is read of the whole of a prompt: a long document is known by then.
  static let longest = 6000
  /// How much the parts weigh against the whole; measured by cross-validation.
  private static let weights: (head: Float, tail: Float) = (0.7, 0.5)
  private static let countWeight: Float = 0.1

  /// - Parameter bucketBits: the logarithm to base 2 of the columns of each part.
  init(bucketBits: Int = 14, seed: UInt64 = 0) throws(LearningError) {
    func part(_ words: ClosedRange<Int>, _ offset: UInt64) throws(LearningError) -> HashedNGrams {
      var part = try HashedNGrams(
        buckets: 1 << bucketBits, words: words, seed: seed &+ offset)
      part.isNormalised = true
      return part
    }
    whole = try part(1...2, 0)
    head = try part(1...3, 1)
    tail = try part(1...2, 2)
  }

  /// Columns of the sparse vector: the three parts', then the counts'.
  var width: Int { termCount + Self.countNames.count }

  /// Columns of the three parts.
  var termCount: Int { whole.buckets + head.buckets + tail.buckets }

  /// How rare each term is, part by part; empty before `fit`.
  var rarities: [Float] {
    get { whole.inverseFrequencies + head.inverseFrequencies + tail.inverseFrequencies }
    set {
      let isWhole = newValue.count == termCount
      let (first, second) = (whole.buckets, whole.buckets + head.buckets)
      whole.inverseFrequencies = isWhole ? Array(newValue[..<first]) : []
      head.inverseFrequencies = isWhole ? Array(newValue[first..<second]) : []
      tail.inverseFrequencies = isWhole ? Array(newValue[second...]) : []
    }
  }

  /// - Throws: `parameters` for settings out of a file that could not have been made here.
  func validate() throws(LearningError) {
    for part in [whole, head, tail] {
      guard (1...1 << 20).contains(part.buckets), part.buckets & (part.buckets - 1) == 0,
        part.words.lowerBound > 0, part.words.upperBound <= 8, part.bytes.isEmpty,
        part.inverseFrequencies.isEmpty
      else { throw LearningError(.parameters, at: "terms", "cannot hash into \(part.buckets)") }
    }
  }

  static var countNames: [String] { LexicalCounts.names }

  /// Learns which terms are rare. One that a single prompt has says nothing of others.
  mutating func fit(_ prompts: [String]) {
    whole.fitFrequencies(prompts.lazy.map { Self.body($0) }, minimumTexts: 2)
    head.fitFrequencies(prompts.lazy.map { Self.beginning($0) }, minimumTexts: 2)
    tail.fitFrequencies(prompts.lazy.map { Self.end($0) }, minimumTexts: 2)
  }

  /// The sparse vector of a prompt.
  ///
  /// - Parameter counts: the prompt's `counts`, standardised.
  func vector(of prompt: String, counts: [Float]) -> SparseVector {
    var vector = whole.features(of: Self.body(prompt))
    var offset = Int32(whole.buckets)
    func append(_ part: SparseVector, weight: Float, width: Int) {
      for (index, value) in zip(part.indices, part.values) {
        vector.indices.append(index + offset)
        vector.values.append(value * weight)
      }
      offset += Int32(width)
    }
    append(
      head.features(of: Self.beginning(prompt)), weight: Self.weights.head, width: head.buckets)
    append(tail.features(of: Self.end(prompt)), weight: Self.weights.tail, width: tail.buckets)
    for (index, count) in counts.enumerated() {
      vector.indices.append(offset + Int32(index))
      vector.values.append(count * Self.countWeight)
    }
    return vector
  }

  /// Logarithms of one plus what can be counted.
  static func counts(of prompt: String) -> [Float] {
    LexicalCounts(of: prompt).features.map { logarithm(Double(1 + $0)) }
  }

  private static func body(_ prompt: String) -> String {
    prompt.utf8.count <= longest
      ? prompt : String(decoding: prompt.utf8.prefix(longest), as: UTF8.self)
  }

  private static func beginning(_ prompt: String) -> String {
    String(decoding: prompt.utf8.prefix(edge), as: UTF8.self)
  }

  private static func end(_ prompt: String) -> String {
    String(decoding: prompt.utf8.suffix(edge), as: UTF8.self)
  }
}
