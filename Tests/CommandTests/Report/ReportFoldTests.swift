import Decoding
import Reporting
import Testing

@testable import foretoken

/// Runs made by hand, and what they add up to.
@Suite struct ReportFoldTests {
  static let header = {
    var settings = ReportSettings(
      temperatures: [0], seeds: [0], repeats: 3, maxTokens: 9, verification: .token)
    settings.reference = nil
    return ReportHeader(
      toolVersion: "test", started: "now", machine: MachineFacts(threads: 1),
      target: ModelFacts(path: "t", parameters: 1, dtype: "f32", sha256: "0"), settings: settings,
      policies: ["plain", "fixed:2", "svip"],
      prompts: [
        ReportPrompt(set: "a", id: "0", tokens: 4), ReportPrompt(set: "a", id: "1", tokens: 4),
      ], costs: nil)
  }()

  /// A prompt round of 1 second and `rounds` of (proposed, accepted), 2 seconds each: 0.5 draft of
  /// which 0.1 policy, 1.25 verify, 0.25 accept.
  static func run(
    _ policy: String, prompt: Int, repetition: Int, seconds: Double, _ rounds: [(Int, Int)],
    digest: String = "d"
  ) -> ReportRun {
    var records = [
      RoundRecord(
        request: 0, position: 4, forwarded: 4, candidates: [], accepted: 0, emitted: 1,
        seconds: RoundSeconds(verify: 1), isPrefill: true)
    ]
    var position = 5
    for (proposed, accepted) in rounds {
      records.append(
        RoundRecord(
          request: 0, position: position, forwarded: proposed + 1,
          candidates: (0..<proposed).map {
            CandidateRecord(
              token: 1, probability: 0.75,
              acceptance: $0 < accepted ? 1 : $0 == accepted ? 0 : nil)
          }, accepted: accepted, emitted: accepted + 1,
          seconds: RoundSeconds(draft: 0.5, policy: 0.1, verify: 1.25, accept: 0.25)))
      position += accepted + 1
    }
    return ReportRun(
      prompt: prompt, policy: policy, temperature: 0, seed: 0, repetition: repetition,
      seconds: seconds, tokens: position - 4, finishReason: .length, digest: digest,
      rounds: records)
  }

  static func runs(digest: String = "d") -> [ReportRun] {
    (0..<2).flatMap { prompt in
      (0..<3).flatMap { repetition -> [ReportRun] in
        // The third repeat met a busy machine; the median does not mind.
        let slow = repetition == 2 ? 50.0 : 1
        return [
          run(
            "plain", prompt: prompt, repetition: repetition, seconds: 8 * slow,
            [(0, 0), (0, 0), (0, 0)]),
          run(
            "fixed:2", prompt: prompt, repetition: repetition, seconds: 4 * slow,
            [(2, 1), (2, 0)], digest: digest),
          run(
            "svip", prompt: prompt, repetition: repetition, seconds: prompt == 0 ? 3.2 : 2,
            [(1, 1), (1, 0)]),
        ]
      }
    }
  }

  @Test func `Rates and speedups are those of the sums, at the median pace of repeats`() throws {
    let group = try #require(ReportFixture.summary(Self.header, Self.runs()).groups.first)
    #expect(group.prompts == 2 && group.reference == "fixed:2" && group.rows.count == 3)
    let (plain, fixed, svip) = (group.rows[0], group.rows[1], group.rows[2])
    #expect(plain.tokensPerSecond.value == 0.5)
    #expect(plain.speedup == Estimate(value: 1, low: 1, high: 1))
    #expect(fixed.tokensPerSecond.value == 1)
    #expect(fixed.speedup == Estimate(value: 2, low: 2, high: 2))
    // Eight tokens in 5.2 seconds.
    #expect(abs(svip.speedup.value - 8 / 5.2 / 0.5) < 1e-12)
    #expect(abs((svip.gain?.value ?? 0) - 8 / 5.2) < 1e-12)
    #expect(abs(svip.speedup.low - 2.5) < 1e-12 && abs(svip.speedup.high - 4) < 1e-12)
  }

  @Test func `What limits is the term whose going would gain most`() throws {
    let group = try #require(ReportFixture.summary(Self.header, Self.runs()).groups.first)
    let ceilings = try #require(group.ceilings)
    // svip: 3 tokens a run, of which the rounds have 1 prompt, 1 draft, 2.5 verify, 0.5 accept.
    #expect(ceilings.policy == "svip" && ceilings.target == nil && ceilings.isShort)
    #expect(ceilings.speedup == group.rows[2].speedup.value)
    #expect(ceilings.terms.count == 4)
    #expect(ceilings.terms == ceilings.terms.sorted { $0.ceiling > $1.ceiling })
    #expect(ceilings.terms.allSatisfy { $0.ceiling.isFinite && $0.ceiling > 0 })
    let draft = try #require(ceilings.terms.first { $0.name == .draftCost })
    let time = group.rows[2].time
    let expected = ceilings.speedup * time.total / (time.total - time.draft - time.policy)
    #expect(abs(draft.ceiling - expected) < 1e-9)
    #expect(
      ceilings.sentence(oracle: nil).contains("what limits is \(ceilings.terms[0].name.rawValue)"))
    let published = try #require(SpeedupCeilings(set: "eval_gsm8k_test", group.rows))
    #expect(published.target == 2.26 && published.gain == group.rows[2].gain?.value)
    #expect(!published.isShort)
    var short = published
    short.gain = 1.05
    #expect(short.isShort)
    #expect(short.sentence(oracle: nil).contains("1.05x of the reference, published 1.09x; what"))
    #expect(SpeedupCeilings(set: "x", Array(group.rows.prefix(1))) == nil)
  }

  @Test func `Acceptance, discard and verification rates are the paper's`() throws {
    let fixed = try #require(ReportFixture.summary(Self.header, Self.runs()).groups.first).rows[1]
    // 2 rounds of 2 candidates, one kept of four; three tokens after the first.
    #expect(fixed.acceptanceRate == 0.25)
    #expect(fixed.tokensPerRound == 1.5)
    let (d, v) = (try #require(fixed.discardRate), try #require(fixed.verificationRate))
    #expect(d == 1 && v == 2.0 / 3)
    #expect(abs((1 - v) / (1 - v + d) - 0.25) < 1e-12)
    #expect(fixed.acceptedCounts == [6, 6])
    #expect(fixed.acceptedShares == [0.5])
  }

  @Test func `The parts of a token's time are its whole time`() throws {
    let plain = try #require(ReportFixture.summary(Self.header, Self.runs()).groups.first).rows[0]
    // Four tokens a run; a prompt of 1 s and three rounds of 2 s; runs of 8, 8 and 400 s.
    #expect(plain.time.prompt == 0.25)
    #expect(abs(plain.time.draft - 0.3) < 1e-12 && abs(plain.time.policy - 0.075) < 1e-12)
    #expect(abs(plain.time.verify - 0.9375) < 1e-12 && abs(plain.time.accept - 0.1875) < 1e-12)
    #expect(abs(plain.time.total - (8 + 8 + 400) / 12) < 1e-9)
  }

  @Test func `The cost of forwards is by their width`() {
    let costs = ReportFixture.summary(Self.header, Self.runs()).verifyCosts
    #expect(costs.map(\.tokens) == [1, 2, 3])
    #expect(costs.map(\.forwards) == [18, 12, 12])
    #expect(costs.allSatisfy { $0.median == 1.25 && $0.lower == 1.25 })
  }

  @Test func `Candidates are compared with how sure the draft was`() throws {
    let confidence = try #require(ReportFixture.summary(Self.header, Self.runs()).confidence.first)
    // fixed:2 had one kept and two rejected that were judged, svip one of each.
    #expect(confidence.reliability.count == 6 * 5)
    #expect(confidence.reliability.bins.map(\.predicted) == [0.75])
    #expect(abs((confidence.reliability.bins.first?.observed ?? 0) - 0.4) < 1e-12)
  }

  @Test func `Other text than plain decoding's is told, loudly`() {
    let summary = ReportFixture.summary(Self.header, Self.runs(digest: "e"))
    #expect(summary.identity.compared == 12 && summary.identity.different == 6)
    #expect(summary.identity.examples.first == "fixed:2 on a/0, temperature 0.0, seed 0")
    let tables = ReportTables(header: Self.header, summary: summary)
    #expect(tables.identity.hasPrefix("WRONG TEXT: 6 of 12 answers differ from plain decoding's"))
    #expect(tables.text.contains("WRONG TEXT"))
  }

  @Test func `Another policy can be the one to compare with`() throws {
    var header = Self.header
    header.settings.reference = "svip"
    let group = try #require(ReportFixture.summary(header, Self.runs()).groups.first)
    #expect(group.reference == "svip")
    #expect(abs((group.rows[1].gain?.value ?? 0) - 5.2 / 8) < 1e-12)
  }

  @Test func `Different texts have different digests`() {
    #expect(ReportRun.digest([1, 2, 3]) == ReportRun.digest([1, 2, 3]))
    #expect(ReportRun.digest([1, 2, 3]) != ReportRun.digest([1, 3, 2]))
    #expect(ReportRun.digest([]) == "cbf29ce484222325")
  }
}
