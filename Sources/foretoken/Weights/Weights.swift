import ArgumentParser
import FoundationEssentials
import Transformer

/// `foretoken weights`: weight files.
struct Weights: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pack, unpack, inspect and verify weight files.",
    discussion: """
      A packed file, .safetensors.zst, is made of zstd frames: `zstd -d` turns it into a valid \
      .safetensors file. Floats are stored as byte planes, which are a third smaller in bf16 and \
      load in parallel. Packing loses nothing; unpacking gives back the file bit for bit.
      """,
    subcommands: [Pack.self, Unpack.self, Inspect.self, Verify.self])

  static let plainName = "model.safetensors"
  static let packedName = "model.safetensors.zst"

  /// The weight file that `path` names: itself, or the first of `names` that the folder has.
  static func file(_ path: String, in names: [String]) throws -> String {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder else {
      return path
    }
    let files = names.map { (path.hasSuffix("/") ? path : path + "/") + $0 }
    guard let file = files.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw ModelError(
        .missing, path: path, problem: "has no \(names.joined(separator: " and no "))",
        advice: "name the file itself")
    }
    return file
  }
}

/// Where a command that makes a weight file puts it.
struct WeightOutput: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String?
  @Flag(help: "Replace a file that is there.")
  var force = false
  @OptionGroup var threads: ThreadCount

  /// The path to write: what was asked for, or else what is next to the input.
  func path(instead fallback: String?) throws -> String {
    guard let path = output ?? fallback else {
      throw CommandError(Failure.usage, "name the file to write with --output")
    }
    guard force || !FileManager.default.fileExists(atPath: path) else {
      throw CommandError(Failure.usage, "\(path) is there already; --force replaces it")
    }
    return path
  }

  /// Says on stderr what was made of what.
  static func report(_ file: WeightFile, as path: String) throws {
    let result = try WeightFile(path: path)
    let (before, after) = (file.size, result.size)
    StandardError.write(
      "\(path): \(result.tensors.count) tensors, \(byteText(before)) -> \(byteText(after)) "
        + "(\(ratioText(after, to: before)))\n")
  }
}

/// "13.1 MB".
func byteText(_ bytes: Int) -> String { ByteScale(bytes).text(Double(bytes)) }

/// "0.665"; nothing has no ratio.
func ratioText(_ part: Int, to whole: Int) -> String {
  guard whole > 0 else { return "-" }
  return threeDecimals(Double(part) / Double(whole))
}

func threeDecimals(_ value: Double) -> String {
  let thousandths = Int((value * 1000).rounded())
  let fraction = "\(thousandths % 1000)"
  return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
}
