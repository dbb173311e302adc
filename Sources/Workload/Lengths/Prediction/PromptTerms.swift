import Learning

/// The words of a prompt as one long sparse vector, and what can be counted in it as a short one.
///
/// The beginning of a prompt says what is asked and its end often in what form; both would drown in a
/// long context if words counted alike wherever they stand. So the first and the last bytes of a
/// prompt have columns of their own beside those for the whole of it.
///
/// Words and phrases have columns by a vocabulary that is learnt from the prompts of the rows. With few
/// rows to spare memory for, they can be hashed into so many columns instead.
struct PromptTerms: Codable, Equatable, Sendable {
  private var whole: HashedNGrams
  private var head: HashedNGrams
  private var tail: HashedNGrams
  /// Terms of each part; nil where they are hashed.
  private(set) var vocabularySizes: [VocabularySize]?
  /// One of each part, or none.
  private(set) var vocabularies: [TermVocabulary] = []

  private enum CodingKeys: CodingKey { case whole, head, tail, vocabularySizes }

  struct VocabularySize: Codable, Equatable, Sendable {
    /// Terms of the prompts of the rows.
    var own: Int
    /// Terms that only other prompts have.
    var others: Int
  }

  /// Bytes that count as the beginning, and as the end.
  static let edge = 160
  /// What is read of the whole of a prompt: a long document is known by then.
  static let longest = 6000
  /// How much the whole, the beginning and the end weigh; measured by cross-validation.
  private static let weights: [Float] = [1, 0.7, 0.5]
  private static let countWeight: Float = 0.1
  static let partNames = ["whole", "head", "tail"]

  /// - Parameter bucketBits: the logarithm to base 2 of the hashed columns of each part; nil for a
  ///   vocabulary.
  init(bucketBits: Int? = nil, seed: UInt64 = 0) throws(LearningError) {
    func part(_ words: ClosedRange<Int>, _ offset: UInt64) throws(LearningError) -> HashedNGrams {
      var part = try HashedNGrams(
        buckets: 1 << (bucketBits ?? 0), words: words, seed: seed &+ offset)
      part.isNormalised = true
      return part
    }
    whole = try part(1...2, 0)
    head = try part(1...3, 1)
    tail = try part(1...2, 2)
    if bucketBits == nil {
      vocabularySizes = parts.map { _ in VocabularySize(own: 0, others: 0) }
    }
  }

  private var parts: [HashedNGrams] { [whole, head, tail] }

  /// Columns of the sparse vector: of the three parts' own terms, then of the counts, then of the terms
  /// that only other prompts have.
  var width: Int { sizes.reduce(ownWidth) { $0 + $1.others } }

  /// Columns of the own terms.
  var termCount: Int { sizes.reduce(0) { $0 + $1.own } }

  /// Columns of the own terms and the counts.
  var ownWidth: Int { termCount + Self.countNames.count }

  private var sizes: [VocabularySize] {
    vocabularySizes ?? parts.map { VocabularySize(own: $0.buckets, others: 0) }
  }

  static var countNames: [String] { LexicalCounts.names }

  /// Learns which terms there are and how rare they are. One that a single prompt has says nothing of
  /// others.
  ///
  /// - Parameter others: prompts without rows, which only say how rare the terms are.
  mutating func fit(_ prompts: [String], others: [String]) throws(LearningError) {
    guard vocabularySizes == nil else {
      let parts = parts
      func keys(_ texts: [String], _ part: Int) -> some Sequence<[UInt32]> {
        texts.lazy.map { text in
          withBytes(text) { parts[part].keys(of: Self.bytes(of: $0, part)) }
        }
      }
      vocabularies = []
      for part in parts.indices {
        var vocabulary = try TermVocabulary(
          learning: keys(prompts, part), others: keys(others, part))
        // As files keep them.
        vocabulary.rarities = vocabulary.rarities.map { $0.rounded(significantBits: 8) }
        vocabularies.append(vocabulary)
      }
      vocabularySizes = vocabularies.map {
        VocabularySize(own: $0.ownCount, others: $0.count - $0.ownCount)
      }
      return
    }
    let all = prompts + others
    func texts(_ part: Int) -> some Sequence<String> { all.lazy.map { Self.text(of: $0, part) } }
    whole.fitFrequencies(texts(0), minimumTexts: 2)
    head.fitFrequencies(texts(1), minimumTexts: 2)
    tail.fitFrequencies(texts(2), minimumTexts: 2)
  }

  /// A prompt's sparse vector by the three kinds of columns.
  struct Vector: Sendable {
    var terms = SparseVector()
    var counts = SparseVector()
    /// Terms that only other prompts have.
    var others = SparseVector()
  }

  /// - Parameter counts: the prompt's `counts`, standardised.
  func vector(of prompt: String, counts: [Float]) -> Vector {
    var vector = Vector()
    var (offset, otherOffset) = (Int32(0), Int32(ownWidth))
    func append(_ part: SparseVector, _ index: Int) {
      let (weight, size) = (Self.weights[index], sizes[index])
      for (column, value) in zip(part.indices, part.values) {
        if column < size.own {
          vector.terms.indices.append(column &+ offset)
          vector.terms.values.append(value * weight)
        } else {
          vector.others.indices.append(column &- Int32(size.own) &+ otherOffset)
          vector.others.values.append(value * weight)
        }
      }
      offset += Int32(size.own)
      otherOffset += Int32(size.others)
    }
    if vocabularies.isEmpty {
      for (index, part) in parts.enumerated() {
        append(part.features(of: Self.text(of: prompt, index)), index)
      }
    } else {
      withBytes(prompt) { bytes in
        for (index, part) in parts.enumerated() {
          let keys = part.keys(of: Self.bytes(of: bytes, index))
          append(vocabularies[index].features(of: keys), index)
        }
      }
    }
    for (index, count) in counts.enumerated() {
      vector.counts.indices.append(offset + Int32(index))
      vector.counts.values.append(count * Self.countWeight)
    }
    return vector
  }

  /// Logarithms of one plus what can be counted.
  static func counts(of prompt: String) -> [Float] {
    LexicalCounts(of: prompt).features.map { logarithm(Double(1 + $0)) }
  }

  /// The bytes of a prompt that belong to a part.
  private static func bytes(
    of prompt: UnsafeBufferPointer<UInt8>, _ part: Int
  ) -> UnsafeBufferPointer<UInt8> {
    switch part {
    case 0: UnsafeBufferPointer(rebasing: prompt.prefix(longest))
    case 1: UnsafeBufferPointer(rebasing: prompt.prefix(edge))
    default: UnsafeBufferPointer(rebasing: prompt.suffix(edge))
    }
  }

  private static func text(of prompt: String, _ part: Int) -> String {
    if part == 0, prompt.utf8.count <= longest { return prompt }
    return withBytes(prompt) { String(decoding: bytes(of: $0, part), as: UTF8.self) }
  }
}

extension PromptTerms {
  /// What of the terms is an array of numbers.
  var tensors: [String: NamedTensor] {
    guard vocabularySizes != nil else {
      let rarities = parts.flatMap(\.inverseFrequencies)
      return ["rarities": NamedTensor(shape: [rarities.count], values: rarities)]
    }
    var tensors: [String: NamedTensor] = [:]
    for (name, vocabulary) in zip(Self.partNames, vocabularies) {
      for (key, tensor) in vocabulary.tensors { tensors["\(name).\(key)"] = tensor }
    }
    return tensors
  }

  /// Bytes of tables that are not among `tensors`.
  var byteCount: Int { vocabularies.reduce(0) { $0 + $1.slotBytes } }

  /// Without what `tensors` has.
  var description: Self {
    var description = self
    description.vocabularies = []
    description.whole.inverseFrequencies = []
    description.head.inverseFrequencies = []
    description.tail.inverseFrequencies = []
    return description
  }

  /// - Throws: `parameters` for settings out of a file that could not have been made here, or arrays
  ///   that do not belong to them.
  init(_ description: Self, tensors: [String: NamedTensor]) throws(LearningError) {
    self = description
    for part in parts {
      guard (1...1 << 20).contains(part.buckets), part.buckets & (part.buckets - 1) == 0,
        part.words.lowerBound > 0, part.words.upperBound <= 8, part.bytes.isEmpty,
        part.inverseFrequencies.isEmpty
      else { throw LearningError(.parameters, at: "terms", "cannot hash into \(part.buckets)") }
    }
    guard let sizes = vocabularySizes else {
      let rarities = try tensors.vector("rarities", termCount)
      let (first, second) = (whole.buckets, whole.buckets + head.buckets)
      whole.inverseFrequencies = Array(rarities[..<first])
      head.inverseFrequencies = Array(rarities[first..<second])
      tail.inverseFrequencies = Array(rarities[second...])
      return
    }
    let range = 0..<1 << 24
    guard sizes.count == parts.count,
      sizes.allSatisfy({ range ~= $0.own && range ~= $0.others })
    else {
      throw LearningError(.parameters, at: "terms", "cannot have vocabularies of \(sizes)")
    }
    for (name, size) in zip(Self.partNames, sizes) {
      do throws(LearningError) {
        vocabularies.append(
          try TermVocabulary(
            tensors.under("\(name)."), count: size.own + size.others, ownCount: size.own))
      } catch {
        throw LearningError(
          error.code, at: "terms.\(name).\(error.place)", error.problem, advice: error.advice)
      }
    }
  }
}

/// Calls `body` with the bytes of a string, without a copy where the string allows it.
private func withBytes<Result>(
  _ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result
) -> Result {
  text.utf8.withContiguousStorageIfAvailable(body)
    ?? Array(text.utf8).withUnsafeBufferPointer(body)
}
