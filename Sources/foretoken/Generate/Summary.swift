import Decoding

/// The statistics of one or more answers as lines for a person.
struct Summary {
  /// Of the rounds after the first token.
  private var statistics = GenerationStatistics()
  private var firstTokenSeconds = 0.0
  private var answers = 0
  private var tokens = 0
  /// Those that somebody proposed something for.
  private var policies: [PolicyChoice] = []
  /// Seconds that plain decoding would have taken for all tokens after the first; nil where nobody
  /// knows.
  private var plainSeconds: Double? = 0

  init(_ answers: [Answer] = []) {
    for answer in answers { add(answer, plainSeconds: nil) }
  }

  init(_ engine: SpeculativeEngine, _ answers: [Answer] = []) {
    for answer in answers { add(answer, plainSeconds: engine.plainSeconds(answer)) }
  }

  /// - Parameter plainSeconds: that plain decoding would have taken for the tokens after the first.
  mutating func add(_ answer: Answer, plainSeconds seconds: Double?) {
    answers += 1
    if answer.policy != .plain, !policies.contains(answer.policy) { policies.append(answer.policy) }
    plainSeconds = plainSeconds.flatMap { sum in seconds.map { sum + $0 } }
    tokens += answer.tokens.count
    firstTokenSeconds += answer.firstTokenSeconds
    for round in answer.rounds.dropFirst() { statistics.add(round) }
  }

  /// The lines of `--stats`; with `verbose` also where the time went.
  func lines(verbose: Bool) -> [String] {
    verbose ? [draft, speed] + detail : [draft, speed]
  }

  /// `draft: 297 proposed, 171 accepted (57.6 %), 2.41 tokens/round by cost-aware, about 1.83x vs
  /// plain`; the last is measured time against what the measured costs say of plain decoding.
  private var draft: String {
    guard let policy = policies.first else { return "draft: none, decoded plainly" }
    let name = policies.count == 1 ? policy.description : "\(policies.count) policies"
    var line = "draft: \(statistics.proposed) proposed, \(statistics.accepted) accepted"
    if let rate = statistics.acceptanceRate { line += " (\((rate * 100).fixed(1)) %)" }
    if let tokens = statistics.tokensPerRound { line += ", \(tokens.fixed(2)) tokens/round" }
    line += " by \(name)"
    let seconds = statistics.seconds.total
    if let plainSeconds, plainSeconds > 0, seconds > 0 {
      line += ", about \((plainSeconds / seconds).fixed(2))x vs plain"
    }
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
