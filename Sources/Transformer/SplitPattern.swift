/// How a family of tokenizers cuts text into the words that merges may not cross.
///
/// The families write it as a regular expression of one shape, ordered alternatives for contractions,
/// words, numbers, other characters and white space, and differ in what each admits. Those differences
/// are the members here; `SplitScanner` is the one matcher for all of them.
struct SplitPattern: Equatable, Sendable {
  enum Contractions: Sendable {
    case none
    /// `'s|'t|'re|'ve|'m|'ll|'d`
    case lowercase
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
    case anyCase
  }

  /// The optional character before the letters of a word.
  enum WordPrefix: Equatable, Sendable {
    /// ` ?`
    case space
    /// `[^\r\n…]?`: any scalar of the set that ends no line.
    case scalar(ScalarClassSet)
  }

  enum Words: Equatable, Sendable {
    /// A prefix, then one or more of the set: `[^\r\n\p{L}\p{N}]?\p{L}+`
    case run(WordPrefix, ScalarClassSet)
    /// A prefix, then capitals before small letters, at least one of the two; the contraction belongs
    /// to the word: `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
    /// or the same with `+` and `*` exchanged.
    case cased(Contractions)
  }

  enum Numbers: Equatable, Sendable {
    case none
    /// ` ?\p{N}+`
    case spacedRun
    /// `\p{N}{1,n}`
    case upTo(Int)
  }

  /// What a run of other characters swallows at its end.
  enum Tail: Sendable {
    case none
    /// `[\r\n]*`
    case newlines
    /// `[\r\n/]*`
    case newlinesAndSlashes
  }

  var contractions = Contractions.none
  /// ``[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+`` comes before the words.
  var asciiWords = false
  var words: Words
  var numbers: Numbers
  /// ` ?[…]+`: what is neither a word nor a number nor white space.
  var others: ScalarClassSet
  var tail: Tail
  /// `\s*[\r\n]+` comes before the rest of white space, `\s+(?!\S)|\s+`.
  var newlines = true
}

extension SplitPattern {
  private static let notLetterOrNumber = ScalarClassSet([.letters, .numbers]).inverted
  private static let ordinary = ScalarClassSet([.letters, .numbers, .space]).inverted

  /// GPT-2, and `ByteLevel` with its own expression.
  static let gpt2 = SplitPattern(
    contractions: .lowercase, words: .run(.space, .letters), numbers: .spacedRun,
    others: ordinary, tail: .none, newlines: false)

  /// Qwen2 (`digits` 1), Llama 3 and GPT-4 (3).
  static func gpt4(digits: Int) -> SplitPattern {
    SplitPattern(
      contractions: .anyCase, words: .run(.scalar(notLetterOrNumber), .letters),
      numbers: .upTo(digits), others: ordinary, tail: .newlines)
  }

  /// Qwen 3.5: marks belong to words.
  static let qwen35 = SplitPattern(
    contractions: .anyCase, words: .run(.scalar(notLetterOrNumber), [.letters, .marks]),
    numbers: .upTo(1), others: ordinary.subtracting(.marks), tail: .newlines)

  /// GPT-4o, gpt-oss, Llama 4 (three digits, contractions), Mistral's Tekken (one digit, none).
  static func gpt4o(digits: Int, contractions: Contractions) -> SplitPattern {
    SplitPattern(
      words: .cased(contractions), numbers: .upTo(digits), others: ordinary,
      tail: .newlinesAndSlashes)
  }

  /// DeepSeek V3 and R1; numbers and ideographs were cut out before.
  static let deepSeek = SplitPattern(
    asciiWords: true,
    words: .run(
      .scalar(ScalarClassSet([.letters, .symbols]).inverted), [.letters, .marks]),
    numbers: .none, others: .symbols, tail: .newlines)

  /// Whether every scalar belongs to some match, so that keeping the matches loses nothing.
  var matchesEverything: Bool { self != .deepSeek }

  /// The pattern that a regular expression of a `tokenizer.json` stands for, recognised by its text.
  init?(expression: String) {
    guard let known = Self.known[expression] else { return nil }
    self = known
  }

  /// A regular expression that stands for the pattern.
  var expression: String? { Self.known.filter { $0.value == self }.keys.min() }

  private static let known: [String: SplitPattern] = {
    let anyCase = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    let rest = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
    let word = #"[^\r\n\p{L}\p{N}]?\p{L}+"#
    let other = #" ?[^\s\p{L}\p{N}]+[\r\n]*"#
    let capitals = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    let smalls = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    let prefix = #"[^\r\n\p{L}\p{N}]?"#
    let slashed = #" ?[^\s\p{L}\p{N}]+[\r\n/]*"#

    func cased(_ suffix: String) -> String {
      "\(prefix)\(capitals)*\(smalls)+\(suffix)|\(prefix)\(capitals)+\(smalls)*\(suffix)"
    }
    return [
      #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: gpt2,
      "\(anyCase)|\(word)|\\p{N}|\(other)|\(rest)": gpt4(digits: 1),
      "\(anyCase)|\(word)|\\p{N}{1,3}|\(other)|\(rest)": gpt4(digits: 3),
      // The possessive quantifiers and the single newline of the original change no match.
      #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"#
        + #"|\s*[\r\n]|\s+(?!\S)|\s+"#: gpt4(digits: 3),
      "\(anyCase)|\(prefix)[\\p{L}\\p{M}]+|\\p{N}"
        + #"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"# + rest: qwen35,
      "\(cased(anyCase + "?"))|\\p{N}{1,3}|\(slashed)|\(rest)":
        gpt4o(digits: 3, contractions: .anyCase),
      "\(cased(""))|\\p{N}|\(slashed)|\(rest)": gpt4o(digits: 1, contractions: .none),
      ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##
        + #"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"# + rest: deepSeek,
    ]
  }()
}
