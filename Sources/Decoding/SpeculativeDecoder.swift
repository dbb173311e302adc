/// Moves generations on, round by round. Plain decoding is a round without candidates.
///
/// Invariant between rounds: the target's cache holds every token of the prefix but the last (but the
/// last two behind a sibling, none before the first round), and a drafter's cache holds no more.
package final class SpeculativeDecoder {
  package let target: any LanguageModel
  private var output: ForwardOutput

  package init(target: any LanguageModel) {
    self.target = target
    output = ForwardOutput(vocabularySize: target.vocabularySize, hiddenSize: target.hiddenSize)
  }

  /// What a round adds to an answer.
  package struct Round: Sendable {
    package var tokens: [EmittedToken]
    /// Candidates that the target rejected, and those behind them.
    package var rejected: ArraySlice<TokenID>
    package var record: RoundRecord
  }

  /// One round of one generation.
  package func round(_ generation: Generation) throws -> Round {
    try round([generation])[0]
  }

  /// One round of each generation, with one forward of the target for all of them. None of them may
  /// be finished; on an error of the target's forward none of them has changed.
  ///
  /// - Parameter pieces: parts of other generations' prompts (`Generation.piece`), read by the same
  ///   forward.
  package func round(_ generations: [Generation], reading pieces: [Slice] = []) throws -> [Round] {
    let clock = ContinuousClock()

    let drafts: [Draft]
    let slices: [Slice]
    let verification: Duration
    do {
      // Draft: each proposes candidates while its policy says so.
      drafts = try generations.map { try $0.draft(clock) }

      // Verify: the last token (or the prompt) and the candidates, of all generations at once.
      slices = zip(generations, drafts).map { generation, draft in
        let pending = generation.prefix.tokens[target.length(of: generation.sequence)...]
        return Slice(
          generation.sequence, tokens: pending + draft.candidates.map(\.token),
          rows: draft.candidates.count + 1,
          siblings: draft.candidates.enumerated().compactMap { index, candidate in
            candidate.sibling.map { Slice.Sibling(place: pending.count + index, token: $0.token) }
          })
      }
      verification = try clock.measure { try target.forward(slices + pieces, into: &output) }
    } catch {
      for generation in generations { generation.rewindCaches() }
      throw error
    }

    var firstRow = 0
    return generations.indices.map { index in
      let (generation, draft) = (generations[index], drafts[index])
      let begin = clock.now

      // Accept: keep what the verification keeps, and one token of the target's own.
      let judged = generation.judge(draft.candidates, output, firstRow: firstRow)
      let (verdict, candidates) = (judged.verdict, draft.candidates)
      let sibling = verdict.keepsSibling ? candidates[verdict.accepted].sibling : nil
      let nextRow =
        sibling == nil ? verdict.accepted : candidates.row(behindSiblingAt: verdict.accepted)
      let position = generation.prefix.count
      let kept = (candidates[..<verdict.accepted].map(\.token) + (sibling.map { [$0.token] } ?? []))
        .map { EmittedToken(token: $0, isDraft: true) }
      generation.keepState(row: firstRow + nextRow, of: output, behind: kept)
      firstRow += slices[index].rowCount
      let emitted = generation.emit(
        kept + [EmittedToken(token: verdict.next, isDraft: false)])

      generation.isBehindSibling = verdict.keepsSibling

      // Rewind: both caches forget what was rejected. A sibling is in neither of them.
      generation.rewindCaches(to: position + verdict.accepted)

      let record = RoundRecord(
        request: generation.options.request, position: position,
        forwarded: slices[index].tokens.count + slices[index].siblings.count,
        candidates: draft.records(acceptances: judged.acceptances),
        accepted: verdict.accepted, emitted: emitted.count,
        seconds: RoundSeconds(
          draft: draft.seconds, policy: draft.policySeconds, verify: verification.inSeconds,
          accept: (clock.now - begin).inSeconds),
        isPrefill: position == generation.prefix.promptCount, siblings: draft.siblings,
        keepsSibling: draft.hasSibling(at: verdict.accepted) ? verdict.keepsSibling : nil)
      generation.statistics.add(record)
      generation.policy.observe(record)
      return Round(
        tokens: emitted, rejected: candidates.map(\.token)[verdict.accepted...], record: record)
    }
  }
}

/// The candidates of a round and what they cost.
private struct Draft {
  var candidates: [Candidate] = []
  var drawn: [DrawnCandidate] = []
  var seconds = 0.0
  var policySeconds = 0.0

  /// Places that have one; nil if none has.
  var siblings: [Int]? {
    let places = candidates.indices.filter(hasSibling)
    return places.isEmpty ? nil : places
  }

  func hasSibling(at place: Int) -> Bool {
    candidates.indices.contains(place) && candidates[place].sibling != nil
  }

  func records(acceptances: [Double?]) -> [CandidateRecord] {
    zip(drawn, acceptances).map { drawn, acceptance in
      CandidateRecord(
        token: drawn.token, probability: drawn.probability, acceptance: acceptance,
        topProbability: drawn.evidence.summary?.topProbability,
        secondProbability: drawn.evidence.summary?.secondProbability,
        entropy: drawn.evidence.summary?.entropy)
    }
  }
}

extension Generation {
  /// Proposes candidates; the prefix is as before when it returns.
  fileprivate func draft(_ clock: ContinuousClock) throws -> Draft {
    var draft = Draft()
    // The first token comes from reading the prompt; the draft reads it in the round after.
    chance.beginRound(at: prefix.count)
    guard let drafter, prefix.count > prefix.promptCount, room > 0 else { return draft }
    let begin = clock.now
    let position = prefix.count
    defer { prefix.removeLast(draft.candidates.count) }
    var state = DraftState(
      position: prefix.count, room: room, temperature: options.sampling.temperature,
      isTextFixed: rule.fixesText(temperature: options.sampling.temperature))
    func ask<Answer>(_ question: () -> Answer) -> Answer {
      let begin = clock.now
      defer { draft.policySeconds += (clock.now - begin).inSeconds }
      return question()
    }
    while draft.candidates.count < state.room, ask({ policy.scoresAnother(state) }) {
      guard let step = try drafter.score(after: prefix, needs: policy.needs),
        ask({ policy.submits(step.evidence, after: state) })
      else { break }
      // From here on the candidate is submitted, whatever it is.
      let token = rule.candidate(
        from: step.distribution, position: prefix.count, &chance)
      draft.candidates.append(Candidate(token, from: step.distribution))
      state.candidates.append(
        DrawnCandidate(
          token: token, probability: step.distribution.probability(of: token),
          evidence: step.evidence))
      prefix.append(token)
      if options.endOfSequence.contains(token) { break }
    }
    if !draft.candidates.isEmpty {
      for place in ask({ policy.siblings(state) }) {
        draft.candidates[place].sibling = rule.sibling(
          of: draft.candidates[place], runnerUp: state.candidates[place].runnerUp,
          position: position + place, &chance)
      }
    }
    draft.drawn = state.candidates
    draft.seconds = (clock.now - begin).inSeconds
    return draft
  }

  /// Judges the candidates by the rows of the target's forward, from `firstRow` on.
  fileprivate func judge(
    _ candidates: [Candidate], _ output: ForwardOutput, firstRow: Int
  ) -> (verdict: Verdict, acceptances: [Double?]) {
    // Each row is penalised by the candidates before it, so the prefix grows along with the rows.
    var extended = prefix
    var known: [TokenDistribution] = []
    func target(_ index: Int) -> TokenDistribution {
      guard index <= candidates.count else {
        return behindSibling(index, candidates, output, firstRow: firstRow)
      }
      while known.count <= index {
        if !known.isEmpty { extended.append(candidates[known.count - 1].token) }
        let row = firstRow + known.count
        known.append(output.withLogits(row: row, extended.distribution))
      }
      return known[index]
    }
    let verdict = rule.verdict(candidates, position: prefix.count, &chance, target: target)
    let acceptances = candidates.enumerated().map { index, candidate in
      index < known.count
        ? TokenVerification.acceptance(
          of: candidate.token, target: known[index], draft: candidate.distribution) : nil
    }
    return (verdict, acceptances)
  }

  /// The target's distribution in a row behind those of the candidates.
  private func behindSibling(
    _ row: Int, _ candidates: [Candidate], _ output: ForwardOutput, firstRow: Int
  ) -> TokenDistribution {
    var extended = prefix
    let place = candidates.indices.filter { candidates[$0].sibling != nil }[
      row - candidates.count - 1]
    for candidate in candidates[..<place] { extended.append(candidate.token) }
    if let sibling = candidates[place].sibling { extended.append(sibling.token) }
    return output.withLogits(row: firstRow + row, extended.distribution)
  }

  /// Keeps what the caches hold of the prefix's first `length` tokens, less its last token, which the
  /// next round feeds.
  fileprivate func rewindCaches(to length: Int = .max) {
    let kept = min(prefix.count - 1, length)
    target.rewind(sequence, to: min(kept, target.length(of: sequence)))
    drafter?.rewind(to: kept)
  }
}
