import ArgumentParser
import FoundationEssentials
import Transformer

extension Weights {
  /// What is in a file.
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the tensors of a weight file: type, shape, bytes and ratio.")

    /// What `--error` compares with.
    enum HeldType: String, ExpressibleByArgument, CaseIterable {
      case q4, q8, bf16, f16

      var weightType: WeightType {
        switch self {
        case .q4: .q4
        case .q8: .q8
        case .bf16: .bf16
        case .f16: .f16
        }
      }
    }

    @Argument(help: "A weight file, or a folder with one.")
    var input: String
    @Flag(help: "Print a JSON object instead of a table.")
    var json = false
    @Option(
      help: """
        Also say what each matrix loses when it is held in memory as q4, q8, bf16 or f16; may be \
        given several times.
        """)
    var error: [HeldType] = []

    func run() throws {
      try Failure.reported {
        let path = try Weights.file(input, in: [Weights.packedName, Weights.plainName])
        let listing = try WeightListing(WeightFile(path: path), errorTypes: error)
        if json {
          print(try listing.json)
        } else {
          print(listing.table, terminator: "")
        }
      }
    }
  }
}

/// What `inspect` knows; its JSON has these names.
struct WeightListing: Encodable {
  struct Tensor: Encodable {
    var name: String
    var dtype: String
    var shape: [Int]
    var bytes: Int
    var storedBytes: Int
    /// By the types that were asked for; none for what is never packed.
    var errors: [String: Loss]?
  }

  /// `|w' - w| / |w|`, and the largest error of one value.
  struct Loss: Encodable {
    var relative: Double
    var largest: Double
  }

  var path: String
  var packed: Bool
  var fileBytes: Int
  var bytes: Int
  var storedBytes: Int
  var metadata: [String: String]
  var tensors: [Tensor]
  private var errorTypes: [Weights.Inspect.HeldType]

  private enum CodingKeys: CodingKey {
    case path, packed, fileBytes, bytes, storedBytes, metadata, tensors
  }

  init(_ file: WeightFile, errorTypes: [Weights.Inspect.HeldType]) throws {
    path = file.path
    packed = file.isPacked
    fileBytes = file.size
    self.errorTypes = errorTypes
    metadata = file.metadata
    tensors = []
    let bar = ProgressBar(label: "reading \(file.path)", unit: .items("tensors"))
    defer { bar.finish() }
    for (index, info) in file.tensors.enumerated() {
      var losses: [String: Loss] = [:]
      for type in errorTypes {
        if let error = try file.quantizationError(at: index, as: type.weightType) {
          losses[type.rawValue] = Loss(relative: error.relative, largest: error.largest)
        }
      }
      tensors.append(
        Tensor(
          name: info.name, dtype: info.dtype.rawValue, shape: info.shape, bytes: info.byteCount,
          storedBytes: file.storedBytes(at: index),
          errors: losses.isEmpty ? nil : losses))
      bar.update(done: index + 1, total: file.tensors.count)
    }
    bytes = tensors.reduce(0) { $0 + $1.bytes }
    storedBytes = tensors.reduce(0) { $0 + $1.storedBytes }
  }

  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  /// One line a tensor, then the totals and the metadata.
  var table: String {
    var rows = [["name", "dtype", "shape", "bytes"]]
    if packed { rows[0] += ["packed", "ratio"] }
    for type in errorTypes { rows[0] += ["\(type) error", "largest"] }
    for tensor in tensors {
      var row = [
        tensor.name.printable, tensor.dtype, tensor.shape.map(String.init).joined(separator: "x"),
        byteText(tensor.bytes),
      ]
      if packed {
        row += [byteText(tensor.storedBytes), ratioText(tensor.storedBytes, to: tensor.bytes)]
      }
      for type in errorTypes {
        row +=
          tensor.errors?[type.rawValue].map {
            [percentText($0.relative), scientificText($0.largest)]
          }
          ?? ["-", "-"]
      }
      rows.append(row)
    }
    var total = ["\(tensors.count) tensors", "", "", byteText(bytes)]
    if packed { total += [byteText(storedBytes), ratioText(storedBytes, to: bytes)] }
    rows.append(total)

    var text = Self.aligned(rows, leading: 3)
    text += "\(path): \(packed ? "packed" : "plain"), \(byteText(fileBytes))"
    if packed { text += ", \(ratioText(fileBytes, to: bytes)) of the tensors" }
    text += "\n"
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      text += "metadata: \(key.printable) = \(value.printable)\n"
    }
    return text
  }

  /// Lines of columns of equal width; the first `leading` begin at the left, the others end at the
  /// right.
  private static func aligned(_ rows: [[String]], leading: Int) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < leading ? cell + space : space + cell
      }
      let line = cells.joined(separator: "  ")
      return line[..<(line.lastIndex { $0 != " " }.map(line.index(after:)) ?? line.startIndex)]
        + "\n"
    }.joined()
  }

  private func percentText(_ share: Double) -> String {
    share.isFinite ? (share * 100).fixed(3) + " %" : "\(share)"
  }

  /// "1.23e-05".
  private func scientificText(_ value: Double) -> String {
    guard value.isFinite, value > 0 else { return "\(value)" }
    var (mantissa, exponent) = (value, 0)
    while mantissa >= 9.995 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 0.9995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    let digits = "\(abs(exponent))"
    let sign = exponent < 0 ? "-" : "+"
    return "\(threeDigits(mantissa))e\(sign)" + (digits.count < 2 ? "0" : "") + digits
  }
}
