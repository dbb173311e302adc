import Decoding
import Transformer

/// A part of what is shown while an answer grows.
struct Piece: Equatable {
  enum Origin {
    /// The target's own token.
    case target
    /// The draft proposed it and the target accepted it.
    case draft
    /// The draft proposed it, and it is no part of the answer.
    case rejected
  }

  var text: String
  var origin: Origin
}

/// Turns the tokens of an answer into text that is safe to show: no half characters, and nothing of
/// what may become a stop string.
struct AnswerText {
  private let tokenizer: Tokenizer
  private let ends: Set<TokenID>
  private var detokenizer: StreamingDetokenizer
  private var stop: StopStrings
  /// Decided, but perhaps the beginning of a stop string.
  private var held: [Piece] = []
  private var lastOrigin = Piece.Origin.target

  /// What was shown, but for rejected tokens.
  private(set) var text = ""
  /// The tokens of the answer, up to the one that completed a stop string.
  private(set) var tokens: [TokenID] = []

  /// A stop string was found, and the answer ends before it.
  var isStopped: Bool { stop.isFound }

  init(_ tokenizer: Tokenizer, ends: Set<TokenID>, stop: [String]) {
    self.tokenizer = tokenizer
    self.ends = ends
    self.stop = StopStrings(stop)
    detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: true)
  }

  /// Adds what a round decided; returns what can be shown now.
  mutating func append(_ round: SpeculativeDecoder.Round) -> [Piece] {
    for (index, emitted) in round.tokens.enumerated() where !isStopped {
      // What was put in the place of rejected candidates comes after them.
      if index == round.record.accepted, !round.rejected.isEmpty {
        held.append(
          Piece(text: tokenizer.decode(round.rejected, skipSpecialTokens: false), origin: .rejected)
        )
      }
      tokens.append(emitted.token)
      if !ends.contains(emitted.token) {
        read(detokenizer.push(emitted.token), emitted.isDraft ? .draft : .target)
      }
    }
    return release(upTo: stop.clearCount)
  }

  /// Ends the answer; returns what was held back, unless it belongs to a stop string.
  mutating func finish() -> [Piece] {
    if !isStopped { read(detokenizer.finish(), lastOrigin) }
    return release(upTo: isStopped ? stop.clearCount : .max)
  }

  private mutating func read(_ part: String, _ origin: Piece.Origin) {
    lastOrigin = origin
    guard !part.isEmpty else { return }
    stop.read(part)
    held.append(Piece(text: part, origin: origin))
  }

  /// Takes pieces from those held until the text has `limit` bytes.
  private mutating func release(upTo limit: Int) -> [Piece] {
    var pieces: [Piece] = []
    while let piece = held.first {
      if piece.origin == .rejected {
        pieces.append(held.removeFirst())
        continue
      }
      let room = limit - text.utf8.count
      guard room > 0 else { break }
      let end = piece.text.utf8.index(
        piece.text.startIndex, offsetBy: room, limitedBy: piece.text.endIndex)
      let part = String(piece.text[..<(end ?? piece.text.endIndex)])
      if let end, end < piece.text.endIndex {
        held[0].text = String(piece.text[end...])
      } else {
        held.removeFirst()
      }
      text += part
      if let last = pieces.indices.last, pieces[last].origin == piece.origin {
        pieces[last].text += part
      } else {
        pieces.append(Piece(text: part, origin: piece.origin))
      }
    }
    return pieces
  }
}
