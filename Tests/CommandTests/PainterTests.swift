import Testing

@testable import foretoken

@Suite struct PainterTests {
  private let pieces = [
    Piece(text: "a ", origin: .target), Piece(text: "b", origin: .draft),
    Piece(text: "c\n", origin: .rejected), Piece(text: "d\u{1B}\n", origin: .target),
  ]

  @Test func `Without marks the text is the answer`() {
    #expect(Painter().paint(pieces) == "a bd\u{1B}\n")
    #expect(Painter(showsRejected: true).paint(pieces) == "a bd\u{1B}\n")
  }

  @Test func `Accepted drafts are green, rejected ones struck`() {
    #expect(Painter(marksDrafts: true).paint(pieces) == "a \u{1B}[32mb\u{1B}[0md\u{1B}\n")
    let all = Painter(marksDrafts: true, showsRejected: true)
    #expect(all.paint(pieces) == "a \u{1B}[32mb\u{1B}[0m\u{1B}[2;9mc⏎\u{1B}[0md\u{1B}\n")
    #expect(all.legend(coloured: false).contains("struck"))
  }

  @Test func `A terminal is not given what it would obey`() {
    #expect(Painter(isForTerminal: true).paint(pieces) == "a bd\\u{1b}\n")
  }

  @Test(
    "When there are colours",
    arguments: [
      (ColorMode.auto, true, [:], true), (.auto, false, [:], false),
      (.auto, true, ["NO_COLOR": "1"], false), (.auto, true, ["NO_COLOR": ""], true),
      (.auto, true, ["TERM": "dumb"], false), (.auto, false, ["CLICOLOR_FORCE": "1"], true),
      (.auto, false, ["CLICOLOR_FORCE": "0"], false),
      (.auto, false, ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], false),
      (.always, false, ["NO_COLOR": "1"], true), (.never, true, ["CLICOLOR_FORCE": "1"], false),
    ])
  func colours(
    _ mode: ColorMode, _ isTerminal: Bool, _ environment: [String: String], _ expected: Bool
  ) {
    #expect(mode.colours(isTerminal: isTerminal, environment: environment) == expected)
  }
}
