/// Finds where a text has gone before as it goes at its end.
struct RepeatSearch: Sendable {
  /// The fewest and the most tokens of the end of the text that are looked for.
  let lengths: ClosedRange<Int>
  private var last: (end: Int, source: Int, length: Int)?

  init(lengths: ClosedRange<Int>) { self.lengths = lengths }

  /// The text is another one.
  mutating func forget() { last = nil }

  /// Where the longest repeated end of `tokens` was followed by something, and its length.
  ///
  /// Each further token of a round goes on from the place of the one before.
  mutating func match(_ tokens: [TokenID]) -> (source: Int, length: Int)? {
    if let last, tokens.count == last.end + 1, tokens[last.end] == tokens[last.source],
      last.source + 1 < last.end
    {
      self.last = (tokens.count, last.source + 1, min(last.length + 1, lengths.upperBound))
    } else {
      last = search(tokens).map { (tokens.count, $0.source, $0.length) }
    }
    return last.map { ($0.source, $0.length) }
  }

  /// The latest of the longest matches.
  private func search(_ tokens: [TokenID]) -> (source: Int, length: Int)? {
    guard let last = tokens.last else { return nil }
    var best: (source: Int, length: Int)?
    for end in stride(from: tokens.count - 2, through: 0, by: -1) where tokens[end] == last {
      var length = 1
      while length < lengths.upperBound, length <= end,
        tokens[end - length] == tokens[tokens.count - 1 - length]
      { length += 1 }
      if length >= lengths.lowerBound, length > best?.length ?? 0 {
        best = (end + 1, length)
        if length == lengths.upperBound { break }
      }
    }
    return best
  }
}
