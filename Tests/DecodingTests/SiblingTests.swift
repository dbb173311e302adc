import Decoding
import FoundationEssentials
import Support
import Testing

/// Second candidates for a place: the law, the text and the books stay what they are.
@Suite struct SiblingTests {
  /// What became of siblings in some answers.
  struct Counts {
    var kept = 0
    var rejected = 0
    /// Rounds that fed a kept sibling and the token behind it.
    var following = 0
    private var isBehindSibling = false

    mutating func add(_ round: RoundRecord) {
      if isBehindSibling, !round.isPrefill { following += 1 }
      isBehindSibling = round.keepsSibling == true
      if let keeps = round.keepsSibling {
        (kept, rejected) = (kept + (keeps ? 1 : 0), rejected + (keeps ? 0 : 1))
      }
    }
  }

  @Test(
    "Siblings leave the law of the output as it is", arguments: ExactLawTests.samplings, 0..<3)
  func law(_ sampling: SamplingOptions, _ rule: Int) throws {
    var counts = Counts()
    for seed in [1, 3, 5, 7] as [UInt64] {
      let target = FakeModel(vocabularySize: 3, seed: seed)
      let draft = FakeModel(vocabularySize: 3, seed: seed + 1)
      let options = GenerationOptions(sampling: sampling, maxTokens: 5, endOfSequence: [0])
      let plain = PlainLaw(target: target, prompt: [1, 2], options: options)
      let law = try Enumeration.law { chance in
        try answer(
          target: target, prompt: [1, 2], options: options, drafter: ModelDrafter(model: draft),
          policy: ErraticSiblings(most: seed == 7 ? 3 : 2), rule: VerificationTests.rules[rule],
          chance: chance
        ) { counts.add($0) }
      }
      #expect(abs(law.values.reduce(0, +) - 1) < 1e-10)
      #expect(totalVariation(law, plain.law) < 1e-10)
      #expect(target.openSequences == 0 && draft.openSequences == 0)
    }
    if sampling.temperature > 0 {
      #expect(counts.kept > 0 && counts.rejected > 0 && counts.following > 0, "\(counts)")
    }
  }

  @Test("Greedy text is that of plain decoding, with siblings kept on the way", arguments: 0..<3)
  func greedy(_ rule: Int) throws {
    var counts = Counts()
    for seed in 0..<200 as Range<UInt64> {
      let target = FakeModel(vocabularySize: 12, contextLength: 90, seed: seed)
      let draft = Self.neighbour(of: target, by: 1.5)
      let options = GenerationOptions(
        sampling: SamplingOptions(temperature: 0, repetitionPenalty: seed % 2 == 0 ? 1 : 1.3),
        maxTokens: 100, endOfSequence: [11])
      let plain = try answer(
        target: target, prompt: [3], options: options, drafter: nil, policy: FixedDraftLength(0))
      for isHybrid in [false, true] {
        let model = try ModelDrafter(model: draft)
        let found = try answer(
          target: target, prompt: [3], options: options,
          drafter: isHybrid
            ? HybridDrafter(lookup: PromptLookupDrafter(lengths: 2...3), model: model) : model,
          policy: ErraticSiblings(most: 5), rule: VerificationTests.rules[rule]
        ) { counts.add($0) }
        #expect(found == plain)
      }
    }
    #expect(counts.following > 500 && counts.rejected > 500, "\(counts)")
  }

  @Test("Coupled, siblings leave the text of a seed as it is", arguments: [0.7, 1.3])
  func coupled(_ temperature: Double) throws {
    var counts = Counts()
    for seed in 0..<100 as Range<UInt64> {
      let target = FakeModel(vocabularySize: 12, contextLength: 90, seed: seed)
      let options = GenerationOptions(
        sampling: SamplingOptions(
          temperature: temperature, topP: 0.95, frequencyPenalty: 0.1, seed: seed),
        maxTokens: 60, endOfSequence: seed % 2 == 0 ? [11] : [], request: seed)
      let plain = try answer(
        target: target, prompt: [3], options: options, drafter: nil, policy: FixedDraftLength(0),
        rule: CoupledVerification())
      let found = try answer(
        target: target, prompt: [3], options: options,
        drafter: ModelDrafter(model: Self.neighbour(of: target, by: 1.5)),
        policy: ErraticSiblings(most: 5), rule: CoupledVerification()
      ) { counts.add($0) }
      #expect(found == plain)
    }
    #expect(counts.following > 100 && counts.rejected > 100, "\(counts)")
  }

  /// Logits that differ by up to `spread`, by the last token.
  private static func neighbour(of target: FakeModel, by spread: Float) -> FakeModel {
    FakeModel(vocabularySize: target.vocabularySize, contextLength: target.contextLength) {
      tokens in
      var generator = SeededGenerator(seed: UInt64(tokens.last ?? 0))
      return target.logits(after: tokens).map {
        $0 + .random(in: -spread...spread, using: &generator)
      }
    }
  }

  /// The law of the first place that `verdict` decides, behind which only token 0 can stand.
  private static func place(
    _ tokens: Int, _ verdict: (inout any ChanceSource) -> (verdict: Verdict, candidate: Candidate)
  ) -> [Double] {
    let law = Enumeration.law { source in
      var chance = source
      let (verdict, candidate) = verdict(&chance)
      if verdict.accepted == 1 { return [candidate.token] }
      return [verdict.keepsSibling ? candidate.sibling?.token ?? -1 : verdict.next]
    }
    return (0..<tokens).map { law[[TokenID($0)], default: 0] }
  }

  private static func difference(_ law: [Double], _ p: TokenDistribution) -> Double {
    law.indices.map { abs(law[$0] - p.probability(of: TokenID($0))) }.max() ?? 1
  }

  @Test func `A place has the target's law with any sibling, for 3000 random pairs`() {
    var generator = SeededGenerator(seed: 31)
    let behind = TokenDistribution(only: 0)
    var worst = (replaced: 0.0, judged: 0.0)
    for round in 0..<3000 {
      let count = Int.random(in: 2...6, using: &generator)
      let p = VerificationTests.randomDistribution(count, &generator)
      let q = round % 50 == 0 ? p : VerificationTests.randomDistribution(count, &generator)
      // The sibling is a proposal for what is left, whatever it is drawn from.
      let replaced = Self.place(count) { chance in
        let token = chance.token(from: q, position: 0, purpose: .sibling)
        let candidate = Candidate(0, from: q, sibling: Sibling(token, from: q))
        let verdict = TokenVerification().replace(
          0, of: [candidate], by: p, position: 0, &chance
        ) { _ in behind }
        return (verdict, candidate)
      }
      worst.replaced = max(worst.replaced, Self.difference(replaced, p))
      // From the draw of the candidate on.
      let rules: [any VerificationRule] = [TokenVerification(), BlockVerification()]
      let rule = rules[round % 2]
      let judged = Self.place(count) { chance in
        let token = rule.candidate(from: q, position: 0, &chance)
        var candidate = Candidate(token, from: q)
        candidate.sibling = rule.sibling(
          of: candidate, runnerUp: (token + 1) % TokenID(count), position: 0, &chance)
        #expect(candidate.sibling?.token != token)
        let verdict = rule.verdict([candidate], position: 0, &chance) { $0 == 0 ? p : behind }
        return (verdict, candidate)
      }
      worst.judged = max(worst.judged, Self.difference(judged, p))
    }
    #expect(worst.replaced < 1e-12 && worst.judged < 1e-12, "\(worst)")
  }

  @Test(
    "Caches, records and counts tell what siblings did", arguments: [0, 1] as [Double],
    0..<5 as Range<UInt64>)
  func books(_ temperature: Double, _ seed: UInt64) throws {
    let target = FakeModel(vocabularySize: 40, contextLength: 400, seed: seed)
    let draft = Self.neighbour(of: target, by: 1)
    let generation = try Generation(
      target: target, prompt: [3, 1, 4],
      options: GenerationOptions(
        sampling: SamplingOptions(temperature: temperature, seed: seed), maxTokens: 300,
        stateInterval: 1),
      drafter: ModelDrafter(model: draft), policy: ErraticSiblings(most: 4))
    let (decoder, cached) = (SpeculativeDecoder(target: target), SequenceID(index: 0))
    var (records, unread): ([RoundRecord], Int) = ([], generation.unread)
    while generation.finishReason == nil {
      let round = try decoder.round(generation)
      let record = round.record
      records.append(record)
      #expect(record.forwarded == unread + record.proposed)
      let places = record.siblings ?? []
      #expect(places == places.sorted() && places.allSatisfy { $0 < record.candidates.count })
      #expect((record.keepsSibling != nil) == places.contains(record.accepted))
      unread = generation.unread
      guard generation.finishReason == nil else { break }
      #expect(record.emitted == record.kept + 1)
      #expect(round.tokens.count { $0.isDraft } == record.kept)
      #expect(unread == (record.keepsSibling == true ? 2 : 1))
      #expect(draft.length(of: cached) <= target.length(of: cached))
      #expect(target.length(of: cached) == generation.prefix.count - unread)
    }
    // The fake's states say how many tokens they stand behind, and the last of them.
    let text = generation.prefix.tokens
    for state in generation.states {
      let count = 3 + state.generated
      #expect(state.hidden == [Float(count), Float(text[count - 1])])
    }
    let decoded = records.dropFirst()
    let kept = decoded.count { $0.keepsSibling == true }
    let rejected = decoded.count { $0.keepsSibling == false }
    #expect(kept > 3 && rejected > 3, "\(kept), \(rejected)")
    let statistics = generation.statistics
    let candidates = decoded.reduce(0) { $0 + $1.candidates.count }
    let siblings = decoded.reduce(0) { $0 + ($1.siblings?.count ?? 0) }
    let accepted = decoded.reduce(0) { $0 + $1.accepted }
    #expect(statistics.proposed == candidates + siblings && siblings > kept)
    #expect(statistics.accepted == accepted + kept)
    #expect(statistics.proposedAt.reduce(0, +) == candidates)
    #expect(statistics.acceptedAt.reduce(0, +) == accepted + kept)
    #expect(
      statistics.discardRate
        == Double(candidates + siblings - accepted - kept) / Double(statistics.decoded))
  }

  @Test func `An end as a sibling ends the answer, and the limit of tokens is kept`() throws {
    // Counts to 9; the draft's second choice is right, its first never is.
    let target = FakeModel(vocabularySize: 10) { tokens in
      (0..<10).map { $0 == Int(tokens.last ?? 0) + 1 ? 5 : 0 }
    }
    let draft = FakeModel(vocabularySize: 10) { tokens in
      (0..<10).map { $0 == 0 ? 9 : $0 == Int(tokens.last ?? 0) + 1 ? 5 : 0 }
    }
    for limit in 1...9 {
      var records: [RoundRecord] = []
      let found = try answer(
        target: target, prompt: [0],
        options: GenerationOptions(maxTokens: limit, endOfSequence: [8]),
        drafter: ModelDrafter(model: draft), policy: FirstPlaceSibling()
      ) { records.append($0) }
      #expect(found == Array(1...TokenID(min(limit, 8))))
      // Two at a time behind the first, as long as there is room for a candidate.
      #expect(records.count == 1 + min(limit, 8) / 2)
      #expect(records.dropFirst().allSatisfy { $0.accepted == 0 && $0.keepsSibling != false })
    }
  }

  @Test func `Logs without siblings are read, and written as before`() throws {
    let record = RoundRecord(
      request: 1, position: 9, forwarded: 2,
      candidates: [CandidateRecord(token: 3, probability: 1)],
      accepted: 1, emitted: 2, seconds: RoundSeconds(verify: 1))
    let data = try JSONEncoder().encode(record)
    #expect(!String(decoding: data, as: UTF8.self).contains("ibling"))
    #expect(try JSONDecoder().decode(RoundRecord.self, from: data) == record)
    #expect(record.proposed == 1 && record.kept == 1)
    var other = record
    (other.siblings, other.keepsSibling, other.accepted) = ([0], true, 0)
    let copy = try JSONDecoder().decode(RoundRecord.self, from: JSONEncoder().encode(other))
    #expect(copy == other && copy.proposed == 2 && copy.kept == 1)
  }
}

/// One candidate and one sibling.
private struct FirstPlaceSibling: DraftLengthPolicy {
  let name = "first-place-sibling"
  let needs: EvidenceNeeds = [.summary]

  mutating func scoresAnother(_ state: DraftState) -> Bool { state.candidates.isEmpty }
  mutating func siblings(_ state: DraftState) -> [Int] { [0] }
}
