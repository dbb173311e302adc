import Decoding
import Learning
import Transformer

/// Who proposes tokens and how many of them, as a person names it: `plain`, `fixed:3`,
/// `confidence:0.4+lookup`, `cost-aware`.
struct PolicyChoice: Sendable, Hashable, CustomStringConvertible {
  /// The full name, every parameter in it: two choices are the same when their names are.
  let description: String
  private let kind: Kind
  private let parameter: Double
  private let looksUpFirst: Bool

  /// Decodes with the target alone.
  static let plain = fixed(0)

  /// Nothing to tune.
  static let costAware = PolicyChoice(
    Kind.all.first { $0.name == "cost-aware" } ?? Kind.all[0], parameter: 0)

  static func fixed(_ length: Int) -> PolicyChoice {
    PolicyChoice(Kind.all[length == 0 ? 0 : 1], parameter: Double(length))
  }

  /// - Throws: `usage` naming what is allowed.
  init(parsing text: String) throws(CommandError) {
    let lookup = "+lookup"
    let looksUpFirst = text.hasSuffix(lookup)
    let parts = text.dropLast(looksUpFirst ? lookup.count : 0)
      .split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let kind = Kind.all.first(where: { $0.name == parts[0] }) else {
      let names = Kind.all.map(\.name).joined(separator: ", ")
      throw CommandError(Failure.usage, "policy \(text): expected one of \(names)")
    }
    var parameter = kind.parameter?.usual ?? 0
    if parts.count > 1 {
      guard let allowed = kind.parameter, let value = Double(parts[1]),
        allowed.range.contains(value), !allowed.isWhole || value == value.rounded()
      else {
        throw CommandError(
          Failure.usage,
          kind.parameter.map { "policy \(text): expected \(kind.name):\($0.description)" }
            ?? "policy \(text): \(kind.name) takes no parameter")
      }
      parameter = value
    } else if kind.parameter?.isRequired == true {
      throw CommandError(Failure.usage, "policy \(text): expected \(kind.usage)")
    }
    guard !looksUpFirst || kind.source == .model else {
      throw CommandError(Failure.usage, "policy \(text): +lookup goes with policies of a model")
    }
    self.init(
      kind.name == "fixed" && parameter == 0 ? Kind.all[0] : kind, parameter: parameter,
      looksUpFirst: looksUpFirst)
  }

  private init(_ kind: Kind, parameter: Double, looksUpFirst: Bool = false) {
    self.kind = kind
    self.parameter = parameter
    self.looksUpFirst = looksUpFirst || kind.looksUpFirst
    var name = kind.name
    if let allowed = kind.parameter, kind.source != .nobody {
      name += ":" + (allowed.isWhole ? "\(Int(parameter))" : "\(parameter)")
    }
    description = name + (looksUpFirst && !kind.looksUpFirst ? "+lookup" : "")
  }

  static func == (a: PolicyChoice, b: PolicyChoice) -> Bool { a.description == b.description }
  func hash(into hasher: inout Hasher) { description.hash(into: &hasher) }

  /// The names and what they mean, one on a line.
  static var help: String {
    let width = Kind.all.map(\.usage.count).max() ?? 0
    return Kind.all.map { kind in
      let space = String(repeating: " ", count: width - kind.usage.count)
      return "  \(kind.usage)\(space)  \(kind.summary)"
    }.joined(separator: "\n")
  }
}

// MARK: - What a choice stands for

extension PolicyChoice {
  /// K of a draft model that always proposes K, by the policy's full name; nil for other policies.
  static func fixedLength(of name: String) -> Int? {
    guard name.hasPrefix("fixed:") else { return nil }
    return Int(name.dropFirst("fixed:".count))
  }

  /// Whether all candidates of the policy with this name are a draft model's, or there are none.
  static func asksModelOnly(_ name: String) -> Bool {
    !name.contains("lookup") && !Kind.all.contains { $0.name == name && $0.looksUpFirst }
  }

  /// Whether a draft model proposes.
  var needsDraft: Bool { kind.source == .model }

  /// Whether it goes by measured costs.
  var needsCosts: Bool { kind.needsCosts }

  /// A policy that has seen nothing yet.
  ///
  /// - Throws: `CommandError` naming the resource that it lacks.
  func policy(_ resources: PolicyResources) throws(CommandError) -> any DraftLengthPolicy {
    try kind.make(parameter, resources)
  }

  /// A drafter for one request; nil where nobody proposes.
  ///
  /// - Parameter model: makes one of the draft model; nil where there is none.
  /// - Throws: what the model throws when it cannot open a sequence.
  func drafter(_ model: @autoclosure () throws -> (any Drafter)?) throws -> (any Drafter)? {
    switch kind.source {
    case .nobody: return nil
    case .lookup: return PromptLookupDrafter()
    case .model:
      guard let model = try model() else { return nil }
      guard looksUpFirst else { return model }
      return HybridDrafter(model: model)
    }
  }

  private enum Source { case nobody, model, lookup }

  private struct Parameter {
    var name: String
    var range: ClosedRange<Double>
    /// Taken when none is given.
    var usual: Double
    var isWhole = false
    var isRequired = false

    var description: String {
      isWhole
        ? "\(Int(range.lowerBound)) to \(Int(range.upperBound))"
        : "\(range.lowerBound) to \(range.upperBound)"
    }
  }

  private struct Kind: Sendable {
    var name: String
    var summary: String
    var parameter: Parameter?
    var source = Source.model
    var needsCosts = false
    /// Long repeats propose before the model does, as with `+lookup`.
    var looksUpFirst = false
    var make: @Sendable (Double, PolicyResources) throws(CommandError) -> any DraftLengthPolicy

    var usage: String {
      guard let parameter else { return name }
      return parameter.isRequired ? "\(name):\(parameter.name)" : "\(name)[:\(parameter.name)]"
    }

    private static func costAware(
      _ evidence: SurvivalEvidence, hasSiblings: Bool = true, _ resources: PolicyResources
    ) throws(CommandError) -> any DraftLengthPolicy {
      CostAwareDraftLength(
        costs: try resources.measuredCosts, estimator: resources.estimator,
        heads: resources.trained?.heads, evidence: evidence, drift: resources.drift,
        hasSiblings: hasSiblings)
    }

    /// With `product`, what each kind of evidence is worth under SpecDec++'s rule.
    private static func threshold(_ evidence: SurvivalEvidence) -> Kind {
      Kind(
        name: "threshold-\(evidence.rawValue)",
        summary: "until 1 - the chance by \(evidence.rawValue) evidence exceeds H",
        parameter: Parameter(name: "H", range: 0...1, usual: 0.7)
      ) { threshold, resources in
        SurvivalThreshold(
          SurvivalTracker(
            evidence, estimator: resources.estimator, heads: resources.trained?.heads),
          threshold: threshold)
      }
    }

    /// A new policy is one more entry.
    static let all: [Kind] = [
      Kind(name: "plain", summary: "the target alone", source: .nobody) { _, _ in
        FixedDraftLength(0)
      },
      Kind(
        name: "fixed", summary: "always K tokens",
        parameter: Parameter(name: "K", range: 0...64, usual: 3, isWhole: true, isRequired: true)
      ) { length, _ in FixedDraftLength(Int(length)) },
      Kind(
        name: "hf-heuristic", summary: "two more after a full round, else one fewer, from K on",
        parameter: Parameter(name: "K", range: 1...64, usual: 5, isWhole: true)
      ) { length, _ in HeuristicDraftLength(start: Int(length)) },
      Kind(
        name: "confidence", summary: "until the draft's probability falls below P",
        parameter: Parameter(name: "P", range: 0...1, usual: 0.4)
      ) { threshold, _ in ConfidenceThreshold(threshold: threshold) },
      Kind(name: "confidence-roc", summary: "the same, with a threshold that adapts") { _, _ in
        ConfidenceThreshold(adapts: true)
      },
      Kind(name: "adaedl", summary: "while the draft's entropy promises enough (AdaEDL)") { _, _ in
        EntropyThreshold(.adaptive)
      },
      Kind(name: "svip", summary: "until the draft's entropy is too high (SVIP)") { _, _ in
        EntropyThreshold(.selfVerified)
      },
      Kind(
        name: "product", summary: "until 1 - the product of the draft's probabilities exceeds H",
        parameter: Parameter(name: "H", range: 0...1, usual: 0.7)
      ) { threshold, _ in CumulativeConfidence(threshold: threshold) },
      Kind(
        name: "specdecpp", summary: "the same, with a trained head (SpecDec++)",
        parameter: Parameter(name: "H", range: 0...1, usual: 0.7)
      ) { threshold, resources throws(CommandError) in
        SpecDecPlusPlus(head: try resources.specDecPlusPlusHead, threshold: threshold)
      },
      Kind(
        name: "goodput", summary: "the K that measured costs and the acceptance rate favour",
        needsCosts: true
      ) { _, resources throws(CommandError) in
        GoodputDraftLength(costs: try resources.measuredCosts)
      },
      Kind(
        name: "bandit", summary: "of plain, 1, 2, 4, 8 and confidence what earns most (UCB)"
      ) { _, _ in
        BanditDraftLength([0, 1, 2, 4, 8].map(FixedDraftLength.init) + [ConfidenceThreshold()])
      },
      Kind(
        name: "cost-aware",
        summary: "while a token earns more than it costs, long repeats first; nothing to tune",
        needsCosts: true, looksUpFirst: true
      ) { _, resources throws(CommandError) in
        try costAware(.both, resources)
      },
      Kind(
        name: "cost-aware-both", summary: "the same without looking up repeats", needsCosts: true
      ) { _, resources throws(CommandError) in try costAware(.both, resources) },
      Kind(
        name: "cost-aware-chain", summary: "cost-aware-both without second candidates",
        needsCosts: true
      ) { _, resources throws(CommandError) in
        try costAware(.both, hasSiblings: false, resources)
      },
      Kind(
        name: "cost-aware-draft", summary: "by the draft's probabilities as they are",
        needsCosts: true
      ) { _, resources throws(CommandError) in try costAware(.draft, resources) },
      Kind(
        name: "cost-aware-before", summary: "by what is known before a token is drawn",
        needsCosts: true
      ) { _, resources throws(CommandError) in try costAware(.before, resources) },
      Kind(
        name: "cost-aware-after", summary: "by what is known after it was fed", needsCosts: true
      ) { _, resources throws(CommandError) in try costAware(.after, resources) },
      threshold(.before), threshold(.after), threshold(.both),
      Kind(
        name: "prompt-lookup", summary: "K tokens that followed the same words; no model",
        parameter: Parameter(name: "K", range: 1...64, usual: 10, isWhole: true), source: .lookup
      ) { length, _ in FixedDraftLength(Int(length)) },
    ]
  }
}

/// What was measured and trained for a pair on this machine.
struct PolicyResources: Sendable {
  var costs: CostModel?
  var trained: HeadFile?
  /// What rounds of this process tell of the costs.
  let drift = CostDrift()

  /// Where estimates begin.
  fileprivate var estimator: AcceptanceEstimator { trained?.estimator ?? AcceptanceEstimator() }

  fileprivate var measuredCosts: CostModel {
    get throws(CommandError) {
      guard let costs else {
        throw CommandError(Failure.usage, "the policy goes by costs, which need a draft model")
      }
      return costs
    }
  }

  fileprivate var specDecPlusPlusHead: DenseNetwork {
    get throws(CommandError) {
      guard let head = trained?.specDecPlusPlus else {
        throw CommandError(
          Failure.missingInput, "specdecpp needs a trained head: name its file with --heads")
      }
      return head
    }
  }
}
