/// Cuts text into the words that merges may not cross: one pass, or several that cut each other's
/// pieces.
struct PreTokenizer: Sendable {
  enum Pass: Equatable, Sendable {
    case pattern(SplitPattern)
    /// Isolates runs of at most `limit` scalars of the set from what is between them.
    case isolate(Isolated, limit: Int)
    /// A word begins at every mark for a space (`Metaspace`), or at the first of several.
    case marks(every: Bool)
  }

  enum Isolated: Equatable, Sendable {
    /// `\p{N}`
    case numbers
    /// What the library's `Digits` takes for a number: its Unicode is newer than its expressions'.
    case digits
    /// `[一-龥぀-ゟ゠-ヿ]`: ideographs and kana.
    case ideographs
  }

  var passes: [Pass]
  /// A text that does not begin with a space gets one.
  var addsPrefixSpace = false
  /// Marks take the place of spaces before anything is cut.
  var metaspace: Metaspace?

  /// Calls `body` with every word of `range`, in order.
  func forEachWord(
    in bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ body: (Range<Int>) -> Void
  ) {
    ScalarClassTable.shared.classes.withUnsafeBufferPointer { classes in
      guard let base = classes.baseAddress else { return }
      run(passes[...], ScalarReader(bytes, classes: base), range, body)
    }
  }

  private func run(
    _ passes: ArraySlice<Pass>, _ reader: ScalarReader, _ range: Range<Int>,
    _ body: (Range<Int>) -> Void
  ) {
    guard let pass = passes.first else { return body(range) }
    let rest = passes.dropFirst()
    switch pass {
    case .pattern(let pattern):
      let scanner = SplitScanner(pattern: pattern, reader: reader, end: range.upperBound)
      var start = range.lowerBound
      while start < range.upperBound {
        let end = scanner.pieceEnd(from: start)
        if rest.isEmpty { body(start..<end) } else { run(rest, reader, start..<end, body) }
        start = end
      }
    case .marks(let every):
      var start = range.lowerBound
      var (index, afterMark) = (start, true)
      while index < range.upperBound {
        let isMark =
          range.upperBound - index >= 3 && reader.bytes[index] == Metaspace.mark[0]
          && reader.bytes[index + 1] == Metaspace.mark[1]
          && reader.bytes[index + 2] == Metaspace.mark[2]
        if isMark, index > start, every || !afterMark {
          run(rest, reader, start..<index, body)
          start = index
        }
        afterMark = isMark
        index += isMark ? 3 : 1
      }
      if start < index { run(rest, reader, start..<index, body) }
    case .isolate(let set, let limit):
      var (start, index) = (range.lowerBound, range.lowerBound)
      while index < range.upperBound {
        let stop = set.run(reader, from: index, to: range.upperBound, limit: limit)
        if stop == index {
          index = reader.scalar(at: index).next
        } else {
          if start < index { run(rest, reader, start..<index, body) }
          run(rest, reader, index..<stop, body)
          (start, index) = (stop, stop)
        }
      }
      if start < index { run(rest, reader, start..<index, body) }
    }
  }
}

extension PreTokenizer.Isolated {
  fileprivate func run(_ reader: ScalarReader, from start: Int, to end: Int, limit: Int) -> Int {
    var (index, left) = (start, limit)
    while index < end, left > 0, contains(reader, index) {
      index = reader.scalar(at: index).next
      left -= 1
    }
    return index
  }

  private func contains(_ reader: ScalarReader, _ index: Int) -> Bool {
    switch self {
    case .numbers: return reader.look(index, for: .numbers).found
    case .digits:
      if reader.look(index, for: .numbers).found { return true }
      let value = reader.scalar(at: index).value
      return 0x11DE0...0x11DE9 ~= value || 0x16FF4...0x16FF6 ~= value
    case .ideographs:
      let value = reader.scalar(at: index).value
      return 0x4E00...0x9FA5 ~= value || 0x3040...0x30FF ~= value
    }
  }
}
