internal import Workload

/// What a run against a server was beside its metrics: what failed, and how far it was the trace.
package struct EndpointTally: Sendable {
  /// How many requests ended in each way that is no answer.
  package private(set) var failures: [String: Int] = [:]
  /// Requests that are done, answered or not.
  package internal(set) var done = 0
  /// Tries that got nothing and were followed by another.
  package internal(set) var retries = 0
  /// Answers whose length is not the trace's.
  package private(set) var otherLengths = 0
  package private(set) var answers = 0
  /// Tokens of the answered prompts as the server counts them, by those that the trace has;
  /// nil where it does not count.
  package var promptShare: Double? {
    wantedPromptTokens > 0 ? Double(countedPromptTokens) / Double(wantedPromptTokens) : nil
  }
  /// The most seconds by which a request was sent too late.
  package private(set) var longestLag = 0.0
  package internal(set) var overtaking = Overtaking()

  private var wantedPromptTokens = 0
  private var countedPromptTokens = 0

  mutating func noteFailure(_ problem: String) {
    // Servers put names of requests into their words: an unbounded list helps nobody.
    let key = failures[problem] == nil && failures.count >= 16 ? "others" : problem
    failures[key, default: 0] += 1
  }

  mutating func noteLag(_ seconds: Double) { longestLag = max(longestLag, seconds) }

  /// - Parameter answerTokens: where they are to be as many as the trace's.
  mutating func noteAnswer(_ asked: Request, promptTokens: Int?, answerTokens: Int?) {
    answers += 1
    if let answerTokens, answerTokens != asked.outputLength { otherLengths += 1 }
    if let promptTokens, asked.text == nil {
      wantedPromptTokens += asked.inputLength
      countedPromptTokens += promptTokens
    }
  }

  /// Whether a server goes by the priorities that it is told: of two requests that both waited, did
  /// the one that came later and should be sooner get its first token first?
  package struct Overtaking: Sendable {
    private var requests: [(priority: Int, sent: Time, first: Time)] = []

    mutating func add(priority: Int, sent: Time, first: Time) {
      requests.append((priority, sent, first))
    }

    /// Pairs in which somebody was to overtake, and those in which that happened. Of each request's
    /// successors at most 64 are looked at.
    package var pairs: (due: Int, seen: Int) {
      let sorted = requests.sorted { $0.sent < $1.sent }
      var (due, seen) = (0, 0)
      for (index, early) in sorted.enumerated() {
        for late in sorted[(index + 1)...].prefix(64) {
          guard late.sent < early.first else { break }
          guard late.priority < early.priority else { continue }
          due += 1
          if late.first < early.first { seen += 1 }
        }
      }
      return (due, seen)
    }

    /// Pairs are many, and hardly anybody overtook.
    package var isIgnored: Bool {
      let (due, seen) = pairs
      return due >= 20 && Double(seen) < 0.25 * Double(due)
    }
  }
}
