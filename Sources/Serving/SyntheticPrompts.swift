package import Workload

/// Texts of as many tokens as a trace wants, for servers whose tokenizer is not known: common words,
/// and as many of them as the server's own count of two probes says.
///
/// The count of one prompt is off by what its words' split differs from the mean: a few tokens in a
/// hundred with small vocabularies, hardly any with large ones. Where the trace names prefix blocks,
/// equal names give equal text, so that a server's prefix cache has what it had in the trace.
package struct SyntheticPrompts: Sendable {
  /// Tokens of a prompt of n words: `base + perWord * n`.
  package private(set) var base = 0.0
  package private(set) var perWord = 1.0
  private let seed: UInt64

  private static let words = """
    the of and to in is you that it he was for on are as with his they at be this from have or by \
    one had not but what all were when we there can an your which their said if do will each about \
    how up out them then she many some so these would other into has more her two like him see time
    """.split(separator: " ").map(String.init)

  package init(seed: UInt64 = 0) { self.seed = seed }

  /// Takes over what a server counted for prompts of so many words.
  ///
  /// - Returns: whether the counts make sense; otherwise a word stays one token.
  package mutating func calibrate(
    short: (words: Int, tokens: Int), long: (words: Int, tokens: Int)
  ) -> Bool {
    let slope = Double(long.tokens - short.tokens) / Double(long.words - short.words)
    guard slope >= 0.2, slope <= 20 else { return false }
    perWord = slope
    base = Double(short.tokens) - slope * Double(short.words)
    return true
  }

  /// Any text of so many words.
  package func probe(words: Int) -> String {
    var random = RandomSource(seed: seed, item: -words)
    return Self.drawn(words, &random)
  }

  /// The request's own text, or one of its length.
  package func text(for request: Request) -> String {
    if let text = request.text { return text }
    var pieces: [String] = []
    var (done, tokens) = (0, 0)
    for hash in request.prefixHashes where request.prefixBlockSize > 0 {
      tokens = min(tokens + request.prefixBlockSize, request.inputLength)
      let count = words(tokens) - done
      guard count > 0 else { continue }
      var random = RandomSource(seed: seed ^ hash, item: -1)
      pieces.append(Self.drawn(count, &random))
      done += count
    }
    let rest = max(words(request.inputLength), 1) - done
    if rest > 0 {
      var random = RandomSource(seed: seed, item: request.id)
      pieces.append(Self.drawn(rest, &random))
    }
    return pieces.joined(separator: " ")
  }

  private func words(_ tokens: Int) -> Int {
    max(0, Int(((Double(tokens) - base) / perWord).rounded()))
  }

  private static func drawn(_ count: Int, _ random: inout RandomSource) -> String {
    (0..<count).map { _ in words[Int(random.next() % UInt64(words.count))] }
      .joined(separator: " ")
  }
}
