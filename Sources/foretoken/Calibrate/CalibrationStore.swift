import ArgumentParser
import Decoding
import FoundationEssentials
import Serving
import Transformer
import Workload

/// Makes calibrations of a pair, keeps them, and finds those that were kept.
struct CalibrationStore {
  /// What beside a draft's weights is looked at before the user's cache.
  static let fileName = "calibration.json"

  private let pair: Pair
  private let draft: any LanguageModel
  private let verbosity: VerbosityFlags
  /// All but the costs.
  private let subject: Calibration

  /// - Throws: `ModelError` for weights that cannot be read; `CommandError` without a draft.
  init(_ pair: Pair, _ verbosity: VerbosityFlags) throws {
    guard let draft = pair.draft, let fitted = pair.fittedDraft,
      let directory = pair.draftDirectory
    else {
      throw CommandError(Failure.usage, "costs are a pair's: name a draft with --draft-model")
    }
    func model(
      _ model: TransformerModel, _ directory: ModelDirectory
    ) throws(ModelError) -> Calibration.Model {
      Calibration.Model(
        path: URL(filePath: directory.path).standardizedFileURL.path,
        dtype: model.weights.type.rawValue,
        fingerprint: try WeightFingerprint.of(directory.checkpoint))
    }
    self.pair = pair
    self.draft = fitted
    self.verbosity = verbosity
    subject = Calibration(
      measured: "", toolVersion: Foretoken.configuration.version, isBrief: false,
      machine: MachineFacts(threads: pair.threads), target: try model(pair.target, pair.directory),
      draft: try model(draft, directory), costs: CostModel(draftStep: 0, verify: [1]))
  }

  // MARK: - Finding

  /// A person's own file, whether or not it fits; says so where it does not.
  ///
  /// - Throws: `CommandError` for a file that is no calibration.
  func read(_ path: String) throws(CommandError) -> Calibration {
    let calibration = try Calibration(contentsOf: path)
    let differences = calibration.differences(from: subject)
    if !differences.isEmpty {
      verbosity.say("\(path): does not hold here, and is used: \(Self.list(differences))")
    }
    return calibration
  }

  /// One that was kept and holds here; says why one that was kept does not.
  func fresh(orBrief: Bool) -> Calibration? {
    for path in [besideDraft, inCache].compactMap({ $0 })
    where FileManager.default.fileExists(atPath: path) {
      let calibration: Calibration
      do throws(CommandError) {
        calibration = try Calibration(contentsOf: path)
      } catch {
        verbosity.say("\(error.description.printable); it is ignored")
        continue
      }
      let differences = calibration.differences(from: subject)
      if differences.isEmpty {
        if orBrief || !calibration.isBrief { return calibration }
      } else {
        verbosity.say(
          "\(path): a stale calibration: \(Self.list(differences)); "
            + "\"foretoken calibrate\" makes a new one")
      }
    }
    return nil
  }

  // MARK: - Making

  func measure(_ measurement: CostMeasurement, heads: AcceptanceHeads?) throws -> Calibration {
    let bar =
      verbosity.quiet ? nil : ProgressBar(label: "measuring costs", unit: .items("forwards"))
    defer { bar?.finish() }
    var calibration = subject
    calibration.costs = try measurement.run(target: pair.target, draft: draft, heads: heads) {
      bar?.update(done: $0, total: $1)
    }
    calibration.measured = Date.now.formatted(.iso8601)
    return calibration
  }

  /// Steps of continuous batching with the target.
  func measureSteps(_ measurement: StepMeasurement) throws -> [CalibratedStep] {
    let bar = verbosity.quiet ? nil : ProgressBar(label: "measuring batches", unit: .items("runs"))
    defer { bar?.finish() }
    return try measurement.run(target: pair.target) { bar?.update(done: $0, total: $1) }
      .map { CalibratedStep($0) }
  }

  /// Keeps it in the user's cache.
  ///
  /// - Returns: where, or nil where there is no such place: a convenience that fails is no failure.
  @discardableResult
  func keep(_ calibration: Calibration) -> String? {
    guard let path = inCache, let folder = Self.cache else { return nil }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try calibration.write(to: path)
      return path
    } catch {
      return nil
    }
  }

  // MARK: - Places

  private var besideDraft: String? { pair.draftDirectory.map { $0.path + "/" + Self.fileName } }

  /// The name says what a person chose; what changed without them is found inside.
  private var inCache: String? {
    let chosen = [
      subject.target.path, subject.target.dtype, subject.draft.path, subject.draft.dtype,
      "\(subject.machine.threads)",
    ].joined(separator: "\n")
    return Self.cache.map {
      $0 + "/calibration-\(SHA256.hexadecimal(Array(chosen.utf8)).prefix(16)).json"
    }
  }

  /// `$XDG_CACHE_HOME/foretoken`, `~/.cache/foretoken` without the variable (XDG Base Directory).
  private static var cache: String? {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") {
      return folder + "/foretoken"
    }
    return environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 + "/.cache/foretoken" : nil }
  }

  private static func list(_ reasons: [String]) -> String { reasons.joined(separator: ", ") }
}
