import Decoding
import Testing

@testable import foretoken

@Suite struct PolicyChoiceTests {
  @Test(
    "Names become full names, the same for the same policy",
    arguments: [
      ("plain", "plain"), ("fixed:0", "plain"), ("fixed:3", "fixed:3"), ("fixed:03", "fixed:3"),
      ("confidence", "confidence:0.4"), ("confidence:0.25", "confidence:0.25"),
      ("product:1", "product:1.0"), ("hf-heuristic", "hf-heuristic:5"), ("svip", "svip"),
      ("prompt-lookup", "prompt-lookup:10"), ("cost-aware+lookup", "cost-aware"),
      ("svip+lookup", "svip+lookup"),
    ])
  func names(_ given: String, _ full: String) throws {
    let choice = try PolicyChoice(parsing: given)
    #expect(choice.description == full)
    #expect(try PolicyChoice(parsing: full) == choice)
  }

  @Test(
    "What is no policy is refused with what would be one",
    arguments: [
      ("", "expected one of plain, fixed,"), ("fast", "expected one of plain, fixed,"),
      ("fixed", "expected fixed:K"), ("fixed:", "expected fixed:0 to 64"),
      ("fixed:65", "expected fixed:0 to 64"), ("fixed:-1", "expected fixed:0 to 64"),
      ("fixed:2.5", "expected fixed:0 to 64"), ("confidence:2", "expected confidence:0.0 to 1.0"),
      ("confidence:nan", "expected confidence:0.0 to 1.0"), ("svip:1", "svip takes no parameter"),
      ("plain+lookup", "+lookup goes with policies of a model"),
      ("prompt-lookup+lookup", "+lookup goes with policies of a model"),
    ])
  func refusals(_ given: String, _ problem: String) {
    let error = #expect(throws: CommandError.self) { try PolicyChoice(parsing: given) }
    #expect(error?.status == Failure.usage)
    #expect(error?.description.contains(problem) == true)
  }

  @Test func `A policy says what it lacks`() throws {
    let goodput = try PolicyChoice(parsing: "goodput")
    #expect(goodput.needsCosts)
    #expect(throws: CommandError.self) { try goodput.policy(PolicyResources()) }
    let trained = try PolicyChoice(parsing: "specdecpp:0.5")
    let error = #expect(throws: CommandError.self) { try trained.policy(PolicyResources()) }
    #expect(error?.status == Failure.missingInput)
  }

  @Test func `Parameters reach the policy`() throws {
    let resources = PolicyResources(costs: CostModel(draftStep: 1, verify: [4, 5]))
    func policy(_ name: String) throws -> any DraftLengthPolicy {
      try PolicyChoice(parsing: name).policy(resources)
    }
    #expect(try (policy("fixed:7") as? FixedDraftLength)?.length == 7)
    #expect(try (policy("hf-heuristic:9") as? HeuristicDraftLength)?.length == 9)
    #expect(try (policy("confidence:0.3") as? ConfidenceThreshold)?.threshold == 0.3)
    #expect(try (policy("product:0.6") as? CumulativeConfidence)?.threshold == 0.6)
    #expect(try policy("cost-aware") is CostAwareDraftLength)
  }

  @Test func `Fixed lengths are recognised by name`() {
    #expect(PolicyChoice.fixedLength(of: "fixed:4") == 4)
    for name in ["plain", "fixed:4+lookup", "confidence:0.4", "fixed:"] {
      #expect(PolicyChoice.fixedLength(of: name) == nil)
    }
  }

  @Test func `Lists of lengths are ranges and numbers`() {
    #expect(FixedLengths(argument: "0-3")?.lengths == [0, 1, 2, 3])
    #expect(FixedLengths(argument: "1,4-5,8")?.lengths == [1, 4, 5, 8])
    for wrong in ["", "3-1", "-1", "1-", "a", "1,,2", "0-65", "1-2-3"] {
      #expect(FixedLengths(argument: wrong) == nil, "\(wrong)")
    }
  }
}
