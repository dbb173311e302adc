import Decoding

/// What surrounds the model of a `tokenizer.json`, checked for what we can do.
struct TokenizerPipeline {
  var normalizer = Normalizer()
  /// Every byte is a character of GPT-2's alphabet; otherwise texts are spelled as they are, with
  /// marks for spaces (SentencePiece).
  var isByteLevel = false
  var preTokenizer: PreTokenizer
  /// Tokens around a single text when special tokens are asked for.
  var prefix: [TokenID] = []
  var suffix: [TokenID] = []
  /// What takes the place of a mark in texts that are decoded.
  var space: [UInt8]?
  /// Tokens such as `<0x0A>` are bytes.
  var decodesBytes = false
  /// Spaces that a decoded text loses at its beginning.
  var strippedSpaces = 0

  private let path: String
  /// Steps of a list, and bytes that a step puts in: no family has nearly so many, and every character
  /// of a text costs them.
  private static let mostSteps = 16
  private static let mostBytes = 64

  init(_ file: TokenizerFile, path: String) throws(ModelError) {
    self.path = path
    preTokenizer = PreTokenizer(passes: [])
    if let normalizer = file.normalizer { try read(normalizer: normalizer, at: "normalizer") }
    let step = file.pre_tokenizer
    let steps = step?.type == "Sequence" ? step?.pretokenizers ?? [] : step.map { [$0] } ?? []
    try limit(steps.count, "pre_tokenizer")
    for (index, part) in steps.enumerated() {
      let place =
        step?.type == "Sequence" ? "pre_tokenizer.pretokenizers[\(index)]" : "pre_tokenizer"
      guard !isByteLevel else { throw unsupported(place, "a step after ByteLevel") }
      isByteLevel = part.type == "ByteLevel"
      if isByteLevel, part.add_prefix_space ?? true {
        guard steps.count == 1 else { throw unsupported(place + ".add_prefix_space", "true") }
        preTokenizer.addsPrefixSpace = true
      }
      if let pass = try pass(part, at: place) { preTokenizer.passes.append(pass) }
    }
    guard isByteLevel || marksSpaces else {
      throw unsupported("pre_tokenizer", "one with neither ByteLevel nor marks for spaces")
    }
    if isByteLevel, marksSpaces { throw unsupported("pre_tokenizer", "ByteLevel with marks") }
    if let processor = file.post_processor { try read(processor: processor, at: "post_processor") }
    try read(decoder: file.decoder)
  }

  private var marksSpaces: Bool {
    preTokenizer.metaspace != nil
      || normalizer.steps.contains(.replace([0x20], by: Metaspace.mark))
  }

  private func unsupported(_ place: String, _ found: String) -> ModelError {
    ModelError(.unsupported, path: path, place: place, problem: "\(found) is not supported")
  }

  private func limit(_ steps: Int, _ place: String) throws(ModelError) {
    guard steps <= Self.mostSteps else { throw unsupported(place, "a list of \(steps) steps") }
  }

  /// The bytes of a text that a step puts in.
  private func inserted(_ text: String?, at place: String) throws(ModelError) -> [UInt8] {
    let bytes = Array((text ?? "").utf8)
    guard bytes.count <= Self.mostBytes else {
      throw unsupported(place, "a text of \(bytes.count) bytes")
    }
    return bytes
  }

  private mutating func read(
    normalizer step: TokenizerFile.Step, at place: String
  ) throws(ModelError) {
    switch step.type {
    case "NFC": normalizer.steps.append(.composed)
    case "Prepend":
      normalizer.steps.append(.prepend(try inserted(step.prepend, at: place)))
    case "Replace":
      guard let old = step.pattern?.String, !old.isEmpty, let new = step.content else {
        throw unsupported(place, "a Replace that is not of one text by another")
      }
      normalizer.steps.append(
        .replace(try inserted(old, at: place), by: try inserted(new, at: place)))
    case "Sequence":
      for (index, part) in (step.normalizers ?? []).enumerated() {
        try read(normalizer: part, at: "\(place).normalizers[\(index)]")
      }
    default: throw unsupported(place + ".type", "\"\(step.type)\"")
    }
    try limit(normalizer.steps.count, place)
  }

  private mutating func pass(
    _ step: TokenizerFile.Step, at place: String
  ) throws(ModelError) -> PreTokenizer.Pass? {
    switch step.type {
    case "ByteLevel": return step.use_regex ?? true ? .pattern(.gpt2) : nil
    case "Metaspace":
      guard step.replacement ?? "\u{2581}" == "\u{2581}", preTokenizer.metaspace == nil else {
        throw unsupported(place, "a second one, or another mark than U+2581,")
      }
      let scheme = step.prepend_scheme ?? (step.add_prefix_space ?? true ? "always" : "never")
      guard let prefix = Metaspace.Prefix(rawValue: scheme) else {
        throw unsupported(place + ".prepend_scheme", "\"\(scheme)\"")
      }
      preTokenizer.metaspace = Metaspace(prefix: prefix)
      return step.split ?? true ? .marks(every: true) : nil
    case "Digits":
      return .isolate(.digits, limit: step.individual_digits ?? false ? 1 : .max)
    case "Split":
      // Gemma cuts at spaces after all of them have become marks.
      if let text = step.pattern?.String, text == " ", marksSpaces { return nil }
      guard let written = step.pattern?.Regex else {
        throw unsupported(place + ".pattern", "a pattern that is not a Regex")
      }
      let (pass, complete) = try split(written, at: place + ".pattern.Regex")
      // Keeping the matches alone, as converted tiktoken files do, is the same for a pattern that
      // leaves nothing out.
      let keeps = step.behavior == "Isolated" && step.invert ?? false == false
      let keepsMatches = step.behavior == "Removed" && step.invert == true && complete
      guard keeps || keepsMatches else {
        throw unsupported(place + ".behavior", "\"\(step.behavior ?? "null")\"")
      }
      return pass
    default: throw unsupported(place + ".type", "\"\(step.type)\"")
    }
  }

  /// The pass that a regular expression stands for, and whether its matches cover every text.
  private func split(
    _ written: String, at place: String
  ) throws(ModelError) -> (PreTokenizer.Pass, complete: Bool) {
    // Some files have the line ends themselves instead of their escapes.
    let expression = String(
      written.unicodeScalars.flatMap { scalar in
        switch scalar {
        case "\r": Array("\\r".unicodeScalars)
        case "\n": Array("\\n".unicodeScalars)
        default: [scalar]
        }
      }.map(Character.init))
    switch expression {
    case #"\p{N}"#: return (.isolate(.numbers, limit: 1), false)
    case #"\p{N}{1,3}"#: return (.isolate(.numbers, limit: 3), false)
    case #"\p{N}+"#: return (.isolate(.numbers, limit: .max), false)
    case "[一-龥぀-ゟ゠-ヿ]+": return (.isolate(.ideographs, limit: .max), false)
    default:
      guard let pattern = SplitPattern(expression: expression) else {
        throw unsupported(place, "the expression \(written.asJSON)")
      }
      return (.pattern(pattern), pattern.matchesEverything)
    }
  }

  private mutating func read(
    processor step: TokenizerFile.Step, at place: String
  ) throws(ModelError) {
    switch step.type {
    case "ByteLevel": break
    case "Sequence":
      for (index, part) in (step.processors ?? []).enumerated() {
        try read(processor: part, at: "\(place).processors[\(index)]")
      }
    case "TemplateProcessing":
      guard prefix.isEmpty, suffix.isEmpty else { throw unsupported(place, "a second template") }
      var sawSequence = false
      for (index, item) in (step.single ?? []).enumerated() {
        if item.Sequence != nil {
          guard !sawSequence else { throw unsupported(place + ".single", "a repeated sequence") }
          sawSequence = true
          continue
        }
        guard let name = item.SpecialToken?.id, let token = step.special_tokens?[name] else {
          throw ModelError(
            .malformed, path: path, place: "\(place).single[\(index)]",
            problem: "names no entry of special_tokens")
        }
        if sawSequence { suffix += token.ids } else { prefix += token.ids }
      }
      guard sawSequence else { throw unsupported(place + ".single", "one without a sequence") }
    default: throw unsupported(place + ".type", "\"\(step.type)\"")
    }
  }

  private mutating func read(decoder: TokenizerFile.Step?) throws(ModelError) {
    guard let decoder else { throw unsupported("decoder", "null") }
    let steps = decoder.type == "Sequence" ? decoder.decoders ?? [] : [decoder]
    if isByteLevel {
      guard steps.map(\.type) == ["ByteLevel"] else {
        throw unsupported("decoder.type", steps.map { "\"\($0.type)\"" }.joined(separator: ", "))
      }
      return
    }
    for step in steps {
      switch step.type {
      case "Replace" where step.pattern?.String == "\u{2581}":
        space = try inserted(step.content, at: "decoder")
      case "ByteFallback": decodesBytes = true
      case "Fuse": break
      case "Strip" where step.content == " " && step.stop ?? 0 == 0 && 0...16 ~= step.start ?? 0:
        strippedSpaces = step.start ?? 0
      default: throw unsupported("decoder.type", "\"\(step.type)\"")
      }
    }
  }
}
