import Decoding

/// The statistics of one or more answers as lines for a person.
struct Summary {
  /// Of the rounds after the first token.
  private var statistics = GenerationStatistics()
  private var firstTokenSeconds = 0.0
  private var answers = 0
  private var tokens = 0
  /// Whether there was a draft to propose something.
  private let drafts: Bool

  init(drafts: Bool, _ answers: [Answer] = []) {
    self.drafts = drafts
    for answer in answers { add(answer) }
  }

  mutating func add(_ answer: Answer) {
    answers += 1
    tokens += answer.tokens.count
    firstTokenSeconds += answer.firstTokenSeconds
    for round in answer.rounds.dropFirst() { statistics.add(round) }
  }

  /// The lines of `--stats`; with `verbose` also where the time went.
  func lines(verbose: Bool) -> [String] {
    verbose ? [draft, speed] + detail : [draft, speed]
  }

  /// `draft: 297 proposed, 171 accepted (57.6 %), 2.41 tokens/round`.
  private var draft: String {
    guard drafts else { return "draft: none, decoded plainly" }
    var line = "draft: \(statistics.proposed) proposed, \(statistics.accepted) accepted"
    if let rate = statistics.acceptanceRate { line += " (\((rate * 100).fixed(1)) %)" }
    if let tokens = statistics.tokensPerRound { line += ", \(tokens.fixed(2)) tokens/round" }
    return line
  }

  private var speed: String {
    var line = answers == 1 ? "answer: " : "\(answers) answers: "
    line += "\(tokens) tokens"
    if let rate = statistics.tokensPerSecond { line += ", \(threeDigits(rate)) tokens/s" }
    if answers == 1 {
      line += ", first token after \(threeDigits(firstTokenSeconds * 1000)) ms"
    }
    return line
  }

  private var detail: [String] {
    let seconds = statistics.seconds
    let shares = [
      ("prompt", firstTokenSeconds), ("draft", seconds.draft), ("verify", seconds.verify),
      ("accept", seconds.accept),
    ]
    var lines = ["seconds: " + shares.map { "\($0) \($1.fixed(3))" }.joined(separator: ", ")]
    if !statistics.proposedAt.isEmpty {
      // Of all rounds, as vLLM counts: rounds that kept more than i.
      let rates = statistics.proposedAt.indices.map { index in
        let kept = index < statistics.acceptedAt.count ? statistics.acceptedAt[index] : 0
        return (Double(kept) / Double(statistics.rounds) * 100).fixed(1)
      }
      lines.append("accepted by position: \(rates.joined(separator: ", ")) % of rounds")
    }
    return lines
  }
}

extension Double {
  /// With so many digits after the point.
  func fixed(_ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    guard isFinite, abs(self) * scale < 1e15 else { return "\(self)" }
    let scaled = Int((magnitude * scale).rounded())
    let (whole, fraction) = scaled.quotientAndRemainder(dividingBy: Int(scale))
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    let text = "\(fraction)"
    return "\(sign)\(whole)." + String(repeating: "0", count: digits - text.count) + text
  }
}
