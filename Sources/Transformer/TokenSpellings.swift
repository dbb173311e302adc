import Decoding

/// Spellings and ids of tokens.
///
/// Spellings are bytes, not strings: two strings are equal where they look the same ("Å" is one scalar
/// or two), and vocabularies hold both.
struct TokenSpellings: Sendable {
  struct Entry: Sendable {
    /// Where the spelling is in the vocabulary's bytes.
    var spelling: Range<Int>
    var id: Int
  }

  /// No vocabulary is anywhere near this large; more is a damaged file that would fill the memory.
  static let largest = 1 << 22

  private(set) var bytes: [UInt8] = []
  /// In the order of the file, no spelling twice.
  private(set) var entries: [Entry] = []
  /// From spellings to places in `entries`.
  private var places = WordTable(capacity: 0)

  init() {}

  /// Tokens whose ids are their places; of equal ones the first counts.
  init(_ tokens: [String]) {
    var all: [Entry] = []
    for (id, token) in tokens.enumerated() {
      let start = bytes.count
      bytes.append(contentsOf: token.utf8)
      all.append(Entry(spelling: start..<bytes.count, id: id))
    }
    index(all, lastCounts: false)
  }

  /// The object `{"token": id, …}`; of equal keys the last counts, as in the `tokenizers` library.
  ///
  /// - Throws: `malformed`.
  init(_ scanner: inout JSONScanner, path: String) throws(ModelError) {
    func fail(_ place: String, _ problem: String) -> ModelError {
      ModelError(.malformed, path: path, place: place, problem: problem)
    }
    guard scanner.peek() == UInt8(ascii: "{") else {
      throw fail("model.vocab", "expected an object")
    }
    try scanner.expect("{")
    var all: [Entry] = []
    if !scanner.accept("}") {
      repeat {
        let start = bytes.count
        try scanner.string(into: &bytes)
        try scanner.expect(":")
        let id = try scanner.integer()
        guard let id, 0..<Self.largest ~= id, all.count < Self.largest else {
          let token = String(decoding: bytes[start...], as: UTF8.self)
          throw fail(
            "model.vocab.\(token)",
            id.map { "\($0) is not a possible id" } ?? "expected a whole number")
        }
        all.append(Entry(spelling: start..<bytes.count, id: id))
      } while scanner.accept(",")
      try scanner.expect("}")
    }
    index(all, lastCounts: true)
  }

  private mutating func index(_ all: [Entry], lastCounts: Bool) {
    places = WordTable(capacity: all.count)
    entries.reserveCapacity(all.count)
    bytes.withUnsafeBytes { bytes in
      for entry in all {
        let spelling = UnsafeRawBufferPointer(rebasing: bytes[entry.spelling])
        if let earlier = places.token(of: spelling) {
          if lastCounts { entries[Int(earlier)].id = entry.id }
        } else {
          places.insert(spelling, token: TokenID(entries.count))
          entries.append(entry)
        }
      }
    }
  }

  /// The id of the token that is spelled so.
  func id(of spelling: UnsafeRawBufferPointer) -> Int? {
    places.token(of: spelling).map { entries[Int($0)].id }
  }

  func id(of spelling: String) -> Int? {
    var spelling = spelling
    return spelling.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }

  func text(of entry: Entry) -> String { String(decoding: bytes[entry.spelling], as: UTF8.self) }
}

/// Pairs of tokens that merge into one, the pair that goes first at the beginning.
struct MergeList: Sendable {
  /// The two spellings, one after the other in the list's bytes.
  struct Pair: Sendable {
    var left: Range<Int>
    var right: Range<Int>

    var both: Range<Int> { left.lowerBound..<right.upperBound }
  }

  private(set) var bytes: [UInt8] = []
  private(set) var pairs: [Pair] = []

  mutating func append(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) {
    let start = bytes.count
    bytes.append(contentsOf: left)
    bytes.append(contentsOf: right)
    let middle = start + left.count
    pairs.append(Pair(left: start..<middle, right: middle..<bytes.count))
  }

  /// Appends a pair from `a b`.
  ///
  /// - Returns: whether it is one.
  mutating func append(line: some Collection<UInt8>) -> Bool {
    guard let space = line.firstIndex(of: 0x20) else { return false }
    let rest = line[line.index(after: space)...]
    guard !rest.contains(0x20) else { return false }
    append(line[..<space], rest)
    return true
  }
}

extension MergeList {
  /// The array `["a b", …]` of older files or `[["a", "b"], …]` of newer ones.
  ///
  /// - Throws: `malformed`.
  init(_ scanner: inout JSONScanner, path: String) throws(ModelError) {
    func fail(_ index: Int?, _ problem: String) -> ModelError {
      let place = "model.merges" + (index.map { "[\($0)]" } ?? "")
      return ModelError(.malformed, path: path, place: place, problem: problem)
    }
    guard scanner.peek() == UInt8(ascii: "[") else { throw fail(nil, "expected a list") }
    var index = 0
    var text: [UInt8] = []
    var list = MergeList()
    try scanner.array { (scanner) throws(ModelError) in
      defer { index += 1 }
      text.removeAll(keepingCapacity: true)
      if scanner.peek() == UInt8(ascii: "\"") {
        try scanner.string(into: &text)
        guard !text.starts(with: "#version".utf8) else { return }
        guard list.append(line: text) else {
          let line = String(decoding: text, as: UTF8.self).asJSON
          throw fail(index, "\(line) is not two tokens with a space between")
        }
        return
      }
      guard scanner.peek() == UInt8(ascii: "[") else { throw fail(index, "expected two tokens") }
      var lengths: [Int] = []
      try scanner.array { (scanner) throws(ModelError) in
        guard scanner.peek() == UInt8(ascii: "\""), lengths.count < 2 else {
          throw fail(index, "expected two tokens")
        }
        try scanner.string(into: &text)
        lengths.append(text.count)
      }
      guard lengths.count == 2 else { throw fail(index, "expected two tokens") }
      list.append(text[..<lengths[0]], text[lengths[0]...])
    }
    self = list
  }
}
