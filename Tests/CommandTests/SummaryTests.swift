import Decoding
import Testing

@testable import foretoken

@Suite struct SummaryTests {
  private func round(
    _ proposed: Int, _ accepted: Int, seconds: Double, isPrefill: Bool = false
  ) -> RoundRecord {
    RoundRecord(
      request: 0, position: 10, forwarded: proposed + 1,
      candidates: Array(repeating: CandidateRecord(token: 1, probability: 1), count: proposed),
      accepted: accepted, emitted: accepted + 1,
      seconds: RoundSeconds(draft: seconds / 4, verify: seconds / 2, accept: seconds / 4),
      isPrefill: isPrefill)
  }

  private var answer: Answer {
    let rounds = [
      round(0, 0, seconds: 0.125, isPrefill: true), round(3, 2, seconds: 0.5),
      round(3, 0, seconds: 0.5),
    ]
    return Answer(
      text: "x", tokens: [1, 2, 3, 4, 5], end: .length, promptCount: 4, policy: .fixed(3),
      rounds: rounds)
  }

  @Test func `One answer has two lines, and more where more is wanted`() {
    let summary = Summary([answer])
    #expect(
      summary.lines(verbose: false) == [
        "draft: 6 proposed, 2 accepted (33.3 %), 2.00 tokens/round by fixed:3",
        "answer: 5 tokens, 4.00 tokens/s, first token after 125 ms",
      ])
    #expect(
      summary.lines(verbose: true).dropFirst(2) == [
        "seconds: prompt 0.125, draft 0.250, verify 0.500, accept 0.250",
        "accepted by position: 50.0, 50.0, 0.0 % of rounds",
      ])
  }

  @Test func `Several answers are summed, none is nothing`() {
    #expect(
      Summary([answer, answer]).lines(verbose: false) == [
        "draft: 12 proposed, 4 accepted (33.3 %), 2.00 tokens/round by fixed:3",
        "2 answers: 10 tokens, 4.00 tokens/s",
      ])
    #expect(
      Summary().lines(verbose: false) == [
        "draft: none, decoded plainly", "0 answers: 0 tokens",
      ])
  }

  @Test func `Speed is set against what plain decoding costs, where that is known for all answers`()
  {
    var summary = Summary()
    summary.add(answer, plainSeconds: 1.5)
    #expect(summary.lines(verbose: false)[0].hasSuffix("by fixed:3, about 1.50x vs plain"))
    summary.add(answer, plainSeconds: nil)
    #expect(summary.lines(verbose: false)[0].hasSuffix("by fixed:3"))
  }

  @Test(
    "Numbers with digits after the point",
    arguments: [
      (0, 2, "0.00"), (57.575, 1, "57.6"), (-0.04, 1, "0.0"), (-1.25, 1, "-1.3"),
      (2.999, 2, "3.00"),
      (12, 0, "12"), (.infinity, 1, "inf"), (1e300, 1, "1e+300"),
    ])
  func fixed(_ value: Double, _ digits: Int, _ text: String) {
    #expect(value.fixed(digits) == text)
  }
}
