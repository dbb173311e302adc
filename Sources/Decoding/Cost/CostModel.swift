/// What steps cost on one machine, for one pair, with one number of threads: measured, by context.
///
/// The stop rule, the simulator's step time and the report read the same table, and
/// `foretoken calibrate` writes it.
package struct CostModel: Sendable, Codable, Equatable {
  /// Tokens in the cache at which was measured, ascending.
  package var contexts: [Int]
  /// Seconds of one draft step, scoring and drawing, at each context.
  package var draftStep: [Double]
  /// Seconds that the first draft step of a round takes beyond that: the target's forward has taken
  /// the processor's caches.
  package var draftStart: Double
  /// `[context][n - 1]`: seconds of a target forward over n tokens of one sequence: V(n).
  package var verify: [[Double]]
  /// Seconds for a policy's head to judge one candidate.
  package var head: Double
  /// Seconds of a round that are in none of these.
  package var overhead: Double

  /// - Precondition: at least one context and one width; as many steps and rows as contexts; rows of
  ///   equal length.
  package init(
    contexts: [Int], draftStep: [Double], draftStart: Double = 0, verify: [[Double]],
    head: Double = 0, overhead: Double = 0
  ) {
    precondition(
      !contexts.isEmpty && contexts.count == draftStep.count && contexts.count == verify.count)
    self.contexts = contexts
    self.draftStep = draftStep
    self.draftStart = draftStart
    self.verify = verify
    self.head = head
    self.overhead = overhead
  }

  /// - Throws: `DecodingError` for a table whose parts do not fit each other, and for costs that are
  ///   no finite times.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    contexts = try container.decode([Int].self, forKey: .contexts)
    draftStep = try container.decode([Double].self, forKey: .draftStep)
    draftStart = try container.decodeIfPresent(Double.self, forKey: .draftStart) ?? 0
    verify = try container.decode([[Double]].self, forKey: .verify)
    head = try container.decode(Double.self, forKey: .head)
    overhead = try container.decode(Double.self, forKey: .overhead)
    func refuse(_ key: CodingKeys, _ problem: String) -> DecodingError {
      .dataCorruptedError(forKey: key, in: container, debugDescription: problem)
    }
    guard !contexts.isEmpty, contexts[0] >= 0,
      zip(contexts, contexts.dropFirst()).allSatisfy({ $0 < $1 })
    else { throw refuse(.contexts, "expected contexts in ascending order") }
    guard draftStep.count == contexts.count, draftStep.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw refuse(.draftStep, "expected a time for each context")
    }
    guard verify.count == contexts.count, !verify[0].isEmpty,
      verify.allSatisfy({ row in
        row.count == verify[0].count && row.allSatisfy { $0.isFinite && $0 > 0 }
      })
    else { throw refuse(.verify, "expected for each context as many times above 0") }
    let single = [(CodingKeys.head, head), (.overhead, overhead), (.draftStart, draftStart)]
    for (key, value) in single {
      guard value.isFinite, value >= 0 else { throw refuse(key, "expected a time") }
    }
  }

  /// The same costs at every context: V(n) = `verify[n - 1]`.
  package init(draftStep: Double, verify: [Double], head: Double = 0, overhead: Double = 0) {
    self.init(
      contexts: [0], draftStep: [draftStep], verify: [verify], head: head, overhead: overhead)
  }

  /// The widest forward that was measured.
  package var widest: Int { verify[0].count }

  package func draftStep(context: Int) -> Double {
    let (index, share) = place(context)
    return mix(draftStep[index], draftStep[min(index + 1, draftStep.count - 1)], share)
  }

  /// Seconds to draft `count` candidates of one round.
  package func draft(_ count: Int, context: Int) -> Double {
    count > 0 ? draftStart + Double(count) * draftStep(context: context) : 0
  }

  /// V(n) at a context; past the widest forward measured it goes on in a straight line.
  package func verify(_ tokens: Int, context: Int) -> Double {
    let (index, share) = place(context)
    let next = verify[min(index + 1, verify.count - 1)]
    return mix(Self.cost(verify[index], tokens), Self.cost(next, tokens), share)
  }

  private static func cost(_ row: [Double], _ tokens: Int) -> Double {
    if tokens <= row.count { return row[max(tokens, 1) - 1] }
    return row[row.count - 1] + slope(row) * Double(tokens - row.count)
  }

  /// Of the widest half: a few tokens cost as much as one, many as many times more.
  private static func slope(_ row: [Double]) -> Double {
    let last = row.count - 1
    return last > 0 ? (row[last] - row[last / 2]) / Double(last - last / 2) : row[0]
  }

  /// The mean of what was measured and of what it would be with faster memory.
  ///
  /// A calibration catches memory at one speed, and others share it. A forward over few tokens waits
  /// for memory and one over many for arithmetic, which are the straight line `L` that V(n) ends in;
  /// with faster memory V(n) has been seen to come half-way down to L. A rule that cannot follow the
  /// speed loses little by this where memory is slow, and much by the contrary where it is fast.
  package func betweenSpeeds() -> CostModel {
    var costs = self
    costs.verify = verify.map { row in
      let slope = Self.slope(row)
      return row.enumerated().map { index, measured in
        let arithmetic = row[row.count - 1] - slope * Double(row.count - 1 - index)
        return measured - max(0, measured - arithmetic) / 4
      }
    }
    return costs
  }

  /// The last measured context not above, and how far on the way to the next one.
  private func place(_ context: Int) -> (index: Int, share: Double) {
    let index = max((contexts.firstIndex { $0 > context } ?? contexts.count) - 1, 0)
    guard index + 1 < contexts.count, context > contexts[index] else { return (index, 0) }
    let span = Double(contexts[index + 1] - contexts[index])
    return (index, Double(context - contexts[index]) / span)
  }

  private func mix(_ a: Double, _ b: Double, _ share: Double) -> Double { a + (b - a) * share }

  /// Expected tokens per second with K candidates when each is kept with probability `acceptance`:
  /// `(1 - a^(K+1)) / (1 - a) / (K t_d + V(K + 1) + o)` (2211.17192, section 3.3, with a measured V).
  package func tokensPerSecond(drafting count: Int, acceptance: Double, context: Int) -> Double {
    let a = min(max(acceptance, 0), 1)
    var (tokens, power) = (1.0, 1.0)
    for _ in 0..<count {
      power *= a
      tokens += power
    }
    let seconds =
      draft(count, context: context) + verify(count + 1, context: context) + overhead
    return tokens / seconds
  }
}
