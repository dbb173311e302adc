/// Makes shown text of pieces: plain, or with the draft's share coloured (`--show-drafts`).
struct Painter {
  /// Accepted drafts are green.
  let marksDrafts: Bool
  /// Rejected drafts are shown, struck through.
  let showsRejected: Bool
  /// Control characters are made visible, because a terminal would obey them.
  let isForTerminal: Bool

  init(marksDrafts: Bool = false, showsRejected: Bool = false, isForTerminal: Bool = false) {
    self.marksDrafts = marksDrafts
    self.showsRejected = marksDrafts && showsRejected
    self.isForTerminal = isForTerminal
  }

  func paint(_ pieces: [Piece]) -> String {
    pieces.map(paint).joined()
  }

  private func paint(_ piece: Piece) -> String {
    switch piece.origin {
    case .rejected:
      guard showsRejected else { return "" }
      let line = piece.text.split(separator: "\n", omittingEmptySubsequences: false)
      return Style.struck.applied(to: line.joined(separator: "⏎").printable)
    case .draft where marksDrafts:
      return Style.green.applied(to: shown(piece.text))
    case .draft, .target:
      return shown(piece.text)
    }
  }

  private func shown(_ text: String) -> String {
    isForTerminal ? text.printable(keeping: "\n\t") : text
  }

  /// What the colours mean, in these colours.
  func legend(coloured: Bool) -> String {
    func word(_ style: Style, _ text: String) -> String {
      coloured ? style.applied(to: text) : text
    }
    let rejected = showsRejected ? ", \(word(.struck, "struck")): rejected drafts" : ""
    return "\(word(.green, "green")): accepted drafts, plain: the target's own tokens\(rejected)"
  }
}
