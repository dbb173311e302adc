/// Reads CASTILLO rows one after the other: one JSON object a line, or the authors' one array.
///
/// A row is believed only as far as it was checked: types and ranges of all fields, that the same
/// row does not come twice, and on request that all rows are of one model and one way of decoding.
package struct LengthRowReader<Source: ByteSource> {
  private let name: String
  private let options: LengthRowReadingOptions
  private var source: Replay<Source>
  /// One of the two, once the first bytes have said which.
  private var lines: LineSplitter<Replay<Source>>?
  private var elements: JSONArraySplitter<Replay<Source>>?
  private var places: [LengthRowFingerprint: Int] = [:]
  private var first: (model: String, decoding: DecodingSettings, line: Int)?

  /// Rows given out so far.
  package private(set) var count = 0
  /// What was wrong with the rows that were passed over.
  package private(set) var skipped: [WorkloadError] = []

  package init(_ source: Source, name: String, options: LengthRowReadingOptions = .init()) {
    self.source = Replay(source)
    self.name = name
    self.options = options
  }

  /// The next good row; `nil` at the end.
  package mutating func next() throws(WorkloadError) -> LengthRow? {
    while let (bytes, range, line) = try nextText() {
      do throws(WorkloadError) {
        let row = try LengthRow(parsing: bytes, in: range, source: name, line: line)
        try check(row, line: line)
        count += 1
        return row
      } catch {
        guard options.skipsBadRows else { throw error }
        skipped.append(error)
      }
    }
    return nil
  }

  /// All good rows that are left.
  package mutating func rest() throws(WorkloadError) -> [LengthRow] {
    var rows: [LengthRow] = []
    while let row = try next() { rows.append(row) }
    return rows
  }

  /// The bytes of the next row, where in them it is, and its line.
  private mutating func nextText() throws(WorkloadError) -> ([UInt8], Range<Int>, Int)? {
    if lines == nil, elements == nil {
      if try source.firstVisibleByte() == UInt8(ascii: "[") {
        elements = JSONArraySplitter(source, name: name)
      } else {
        lines = LineSplitter(source, name: name)
      }
    }
    if try elements?.advance() == true, let elements {
      return (Array(elements.bytes[elements.range]), 0..<elements.range.count, elements.line)
    }
    while try lines?.advance() == true, let lines {
      let line = Array(lines.bytes[lines.range])
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      return (line, 0..<line.count, lines.number)
    }
    return nil
  }

  private mutating func check(_ row: LengthRow, line: Int) throws(WorkloadError) {
    if options.requiresOneModel {
      let first = self.first ?? (row.model, row.decoding, line)
      self.first = first
      if row.model != first.model {
        throw WorkloadError(
          .malformed, source: name, line: line, column: "model",
          problem: "\(row.model) among rows of \(first.model) (line \(first.line))",
          advice: "keep one model a file, or read the file as a mixture")
      }
      if row.decoding != first.decoding {
        throw WorkloadError(
          .malformed, source: name, line: line, column: "top_k, top_p, temp",
          problem: "settings other than those of line \(first.line)",
          advice: "keep one way of decoding a file, or read the file as a mixture")
      }
    }
    let fingerprint = LengthRowFingerprint(row)
    if let earlier = places.updateValue(line, forKey: fingerprint) {
      places[fingerprint] = earlier
      throw WorkloadError(
        .malformed, source: name, line: line, column: "sample_id",
        problem: "\(row.sampleID) with the same draws is already on line \(earlier)",
        advice: "the row was written twice: remove one, or skip bad rows")
    }
  }
}

/// How strictly rows are read.
package struct LengthRowReadingOptions: Sendable {
  /// Passes over a bad row and keeps its error, instead of stopping at it.
  package var skipsBadRows: Bool
  /// Whether a second model, or a second way of decoding, is an error.
  package var requiresOneModel: Bool

  package init(skipsBadRows: Bool = false, requiresOneModel: Bool = false) {
    self.skipsBadRows = skipsBadRows
    self.requiresOneModel = requiresOneModel
  }
}

/// What makes two rows the same row. A corpus may hold a prompt twice (CASTILLO's DS-1000 does), and
/// then two honest rows share their identifier; they differ in their draws or in their time.
private struct LengthRowFingerprint: Hashable {
  let sampleID: String
  let sizes: [Int]
  let generationTime: Double?

  init(_ row: LengthRow) {
    sampleID = row.sampleID
    sizes = row.outputSizes
    generationTime = row.generationTime
  }
}

/// A source whose first bytes may be looked at before they are read.
private struct Replay<Source: ByteSource>: ByteSource {
  private var source: Source
  private var held: [[UInt8]] = []

  init(_ source: Source) { self.source = source }

  mutating func nextChunk() throws(WorkloadError) -> [UInt8]? {
    held.isEmpty ? try source.nextChunk() : held.removeFirst()
  }

  /// The first byte that is neither blank nor part of a byte order mark.
  mutating func firstVisibleByte() throws(WorkloadError) -> UInt8? {
    while let chunk = try source.nextChunk() {
      held.append(chunk)
      let invisible: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF]
      if let byte = chunk.first(where: { !invisible.contains($0) }) { return byte }
    }
    return nil
  }
}
