import Decoding
import FoundationEssentials
import Transformer
import Workload

/// What steps cost, and for what that holds: the machine, the threads, the pair and its types.
struct Calibration: Codable, Sendable, Equatable {
  /// Raised when a reader would have to change.
  static let currentVersion = 1

  var schemaVersion = Self.currentVersion
  /// ISO 8601.
  var measured: String
  var toolVersion: String
  /// Measured in a fraction of a second.
  var isBrief: Bool
  var machine: MachineFacts
  var target: Model
  var draft: Model
  /// What the stop rule, the simulator and the report read.
  var costs: CostModel
  /// Steps of continuous batching with the target alone, for the simulator; nil where they were not
  /// measured.
  var steps: [CalibratedStep]?

  /// A model as far as it decides what steps cost.
  struct Model: Codable, Sendable, Equatable {
    var path: String
    /// Of the weights in memory.
    var dtype: String
    /// Of the weight file; see `WeightFingerprint`.
    var fingerprint: String
  }

  /// Why this one does not hold for what `other` was made for; empty where it does.
  func differences(from other: Calibration) -> [String] {
    let pairs = [
      ("version", toolVersion, other.toolVersion),
      ("processor", machine.processor, other.machine.processor),
      ("kernels", machine.kernels, other.machine.kernels),
      ("threads", "\(machine.threads)", "\(other.machine.threads)"),
      ("target's type", target.dtype, other.target.dtype),
      ("draft's type", draft.dtype, other.draft.dtype),
    ]
    var reasons = pairs.compactMap { name, here, there in
      here == there ? nil : "the \(name) was \(here), now it is \(there)"
    }
    if target.fingerprint != other.target.fingerprint { reasons.append("the target has changed") }
    if draft.fingerprint != other.draft.fingerprint { reasons.append("the draft has changed") }
    return reasons
  }
}

// MARK: - Files

extension Calibration {
  /// - Throws: `CommandError` for a file that is not there or holds no calibration.
  init(contentsOf path: String) throws(CommandError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandError(
        Failure.missingInput, "\(path): cannot be read; \"foretoken calibrate -o\" writes one")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(Self.self, from: data)
    } catch {
      throw CommandError(Failure.badData, "\(path): is no calibration: \(error)")
    }
    guard schemaVersion == Self.currentVersion else {
      throw CommandError(
        Failure.badData,
        "\(path): has schema_version \(schemaVersion), expected \(Self.currentVersion)")
    }
  }

  var json: String {
    get throws { String(decoding: try ReportLog.encode(self, pretty: true), as: UTF8.self) + "\n" }
  }

  /// Writes beside and renames.
  ///
  /// - Throws: `ModelError`.
  func write(to path: String) throws { try TextFile.write(try json, to: path) }
}

/// Tells weight files apart without reading all of them: a digest of the size, both ends and samples
/// between. The file's end lists the compressed size of every tensor.
enum WeightFingerprint {
  private static let (end, samples, sample) = (65_536, 64, 512)

  /// Of one file, or of the fingerprints of several.
  static func of(_ checkpoint: Checkpoint) throws(ModelError) -> String {
    var fingerprints: [String] = []
    for file in checkpoint.files { fingerprints.append(try of(file.path)) }
    guard fingerprints.count > 1 else { return fingerprints.first ?? "" }
    return String(SHA256.hexadecimal(Array(fingerprints.joined().utf8)).prefix(32))
  }

  private static func of(_ path: String) throws(ModelError) -> String {
    let file = try InputFile(path: path)
    var places = [(0, min(end, file.size)), (max(0, file.size - end), min(end, file.size))]
    if file.size > 4 * end {
      places += (1...samples).map { (file.size / (samples + 1) * $0, sample) }
    }
    var bytes = Array("\(file.size)".utf8)
    for (offset, count) in places { bytes += try file.bytes(at: offset, count: count) }
    return String(SHA256.hexadecimal(bytes).prefix(32))
  }
}
