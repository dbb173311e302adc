import FoundationEssentials
import Workload

/// The finished scenes of a study, one a line: `scenes.jsonl` in the study's folder, or one file for
/// each shard.
enum StudyJournal {
  static func name(_ shard: StudyShard?) -> String {
    guard let shard else { return "scenes.jsonl" }
    return "scenes-\(shard.index)-of-\(shard.count).jsonl"
  }

  /// What a study is told by: the file and the traces it names, byte for byte.
  static func fingerprint(_ study: StudyFile, _ traces: [String: [Workload.Request]]) throws
    -> String
  {
    var text = String(decoding: try encoder.encode(study), as: UTF8.self)
    for (name, requests) in traces.sorted(by: { $0.key < $1.key }) {
      let sums = requests.reduce(into: (0, 0, 0 as Int64)) { sums, request in
        sums.0 &+= request.inputLength &* (request.id &+ 1)
        sums.1 &+= request.outputLength &* (request.id &+ 1)
        sums.2 &+= request.arrival.picoseconds
      }
      text += "\n\(name) \(requests.count) \(sums)"
    }
    return String(SHA256.hexadecimal(text.utf8).prefix(16))
  }

  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }

  private static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }

  /// Every scene in a folder's journals, whichever shard ran it.
  ///
  /// - Throws: `CommandError` for lines that are no scenes, or of another study.
  static func read(
    folder: String, fingerprint: String
  ) throws -> [StudyScene: StudyResult] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    var results: [StudyScene: StudyResult] = [:]
    for name in names.sorted() where name.hasPrefix("scenes") && name.hasSuffix(".jsonl") {
      let path = folder + "/" + name
      var lines = LineSplitter(try FileBytes(path: path), name: path)
      while try lines.advance() {
        // Without its line feed it is still being written, or was cut off.
        guard !lines.range.isEmpty,
          let result = try? decoder.decode(
            StudyResult.self, from: Data(lines.bytes[lines.range]))
        else {
          if try lines.advance() {
            throw CommandError(
              Failure.badData, "\(path.printable):\(lines.number - 1): is no scene of a study")
          }
          break
        }
        guard result.study == fingerprint else {
          throw CommandError(
            Failure.badData,
            "\(path.printable):\(lines.number): belongs to another study, or its traces have "
              + "changed; name another --output or remove the file")
        }
        results[result.scene] = result
      }
    }
    return results
  }
}

/// Which part of a study a machine runs: scenes `index`, `index + count`, ... counted from 1.
struct StudyShard: Equatable {
  var index: Int
  var count: Int

  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]),
      (1...100_000).contains(count), (1...count).contains(index)
    else { return nil }
    self.index = index
    self.count = count
  }

  func holds(_ place: Int) -> Bool { place % count == index - 1 }
}
