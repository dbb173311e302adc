/// Finds the pieces that a split pattern cuts a text into, left to right, as its regular expression
/// would: the first alternative that matches wins, and what matches nothing stays together.
///
/// Every scalar is looked at a bounded number of times, whatever the text.
struct SplitScanner {
  let pattern: SplitPattern
  let reader: ScalarReader
  /// Pieces end here at the latest, and look-ahead sees nothing beyond.
  let end: Int

  private static let capitals: ScalarClassSet = [
    ScalarClassSet(.upper), ScalarClassSet(.caseless), .marks,
  ]
  private static let smalls: ScalarClassSet = [
    ScalarClassSet(.lower), ScalarClassSet(.caseless), .marks,
  ]

  /// The end of the piece that begins at `start`, which is below `end`.
  func pieceEnd(from start: Int) -> Int {
    if let end = match(at: start) { return end }
    var index = reader.scalar(at: start).next
    while index < end, match(at: index) == nil { index = reader.scalar(at: index).next }
    return index
  }

  private func match(at start: Int) -> Int? {
    let first = reader.bytes[start]
    if first == UInt8(ascii: "'"), let end = contraction(at: start, pattern.contractions) {
      return end
    }
    if pattern.asciiWords, let end = asciiWord(at: start) { return end }
    if let end = word(at: start, first: first) { return end }

    let content = first == 0x20 ? start + 1 : start
    switch pattern.numbers {
    case .none: break
    case .spacedRun:
      let end = reader.run(of: .numbers, from: content, to: end)
      if end > content { return end }
    case .upTo(let limit):
      let end = reader.run(of: .numbers, from: start, to: end, limit: limit)
      if end > start { return end }
    }
    let others = reader.run(of: pattern.others, from: content, to: end)
    if others > content { return tail(from: others) }
    return whiteSpace(at: start)
  }

  // MARK: Words

  private func word(at start: Int, first: UInt8) -> Int? {
    switch pattern.words {
    case .run(let prefix, let letters):
      let (bare, next) = reader.look(start, for: letters)
      if bare { return reader.run(of: letters, from: next, to: end) }
      guard next < end else { return nil }
      switch prefix {
      case .space: if first != 0x20 { return nil }
      case .scalar(let set):
        if !set.admits(start, first, reader) { return nil }
      }
      let stop = reader.run(of: letters, from: next, to: end)
      return stop > next ? stop : nil
    case .cased(let contractions):
      guard let stop = casedWord(at: start, first: first) else { return nil }
      guard stop < end, reader.bytes[stop] == UInt8(ascii: "'") else { return stop }
      return contraction(at: stop, contractions) ?? stop
    }
  }

  private func casedWord(at start: Int, first: UInt8) -> Int? {
    let prefixes = ScalarClassSet([.letters, .numbers]).inverted
    let afterPrefix = prefixes.admits(start, first, reader) ? reader.scalar(at: start).next : start
    // With the prefix first, then without it, as `?` tries them.
    if let stop = capitalsThenSmalls(from: afterPrefix) { return stop }
    if afterPrefix > start, let stop = capitalsThenSmalls(from: start) { return stop }
    let stop = reader.run(of: Self.capitals, from: afterPrefix, to: end)
    if stop > afterPrefix { return stop }
    let bare = reader.run(of: Self.capitals, from: start, to: end)
    return bare > start ? bare : nil
  }

  /// `capitals*smalls+`. Marks and letters without case are both, so that the first run gives some
  /// back when nothing small follows it.
  private func capitalsThenSmalls(from start: Int) -> Int? {
    let turn = reader.run(of: Self.capitals, from: start, to: end)
    let stop = reader.run(of: Self.smalls, from: turn, to: end)
    if stop > turn { return stop }
    var lastSmall: Int?
    var index = start
    while index < turn {
      let (small, next) = reader.look(index, for: Self.smalls)
      if small { lastSmall = next }
      index = next
    }
    return lastSmall
  }

  /// ASCII punctuation, then ASCII letters.
  private func asciiWord(at start: Int) -> Int? {
    let bytes = reader.bytes
    guard bytes[start] > 0x20, bytes[start] < 0x7F, !bytes[start].isASCIILetter,
      !(0x30...0x39 ~= bytes[start])
    else { return nil }
    var index = start + 1
    while index < end, bytes[index].isASCIILetter { index += 1 }
    return index > start + 1 ? index : nil
  }

  /// The contraction whose apostrophe is at `start`.
  private func contraction(at start: Int, _ kind: SplitPattern.Contractions) -> Int? {
    guard kind != .none, start + 1 < end else { return nil }
    let fold: UInt8 = kind == .anyCase ? 0x20 : 0
    func letter(_ offset: Int) -> UInt8 {
      guard start + offset < end else { return 0 }
      let byte = reader.bytes[start + offset]
      return byte.isASCIILetter ? byte | fold : byte
    }
    switch (letter(1), letter(2)) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
      (UInt8(ascii: "d"), _):
      return start + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    // U+017F, the long s, is an s to an expression that ignores case.
    case (0xC5, 0xBF) where kind == .anyCase: return start + 3
    default: return nil
    }
  }

  // MARK: The rest

  private func tail(from start: Int) -> Int {
    let slashes = pattern.tail == .newlinesAndSlashes
    guard pattern.tail != .none else { return start }
    var index = start
    while index < end {
      let byte = reader.bytes[index]
      guard byte.isNewline || slashes && byte == UInt8(ascii: "/") else { break }
      index += 1
    }
    return index
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`, the first part if the pattern has it.
  private func whiteSpace(at start: Int) -> Int? {
    var (index, last) = (start, start)
    var afterNewline: Int?
    while index < end {
      let (space, next) = reader.look(index, for: .space)
      guard space else { break }
      if pattern.newlines, reader.bytes[index].isNewline { afterNewline = next }
      last = index
      index = next
    }
    if let afterNewline { return afterNewline }
    // The last of several spaces belongs to what follows.
    if index < end, last > start { return last }
    return index > start ? index : nil
  }
}

extension ScalarClassSet {
  /// Whether the scalar at `index`, whose first byte is `first`, is in the set and ends no line.
  @inline(__always) fileprivate func admits(
    _ index: Int, _ first: UInt8, _ reader: ScalarReader
  ) -> Bool {
    !first.isNewline && reader.look(index, for: self).found
  }
}

extension UInt8 {
  fileprivate var isASCIILetter: Bool { 0x61...0x7A ~= self | 0x20 }
  fileprivate var isNewline: Bool { self == 0x0A || self == 0x0D }
}
