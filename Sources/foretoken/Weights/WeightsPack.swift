import ArgumentParser
import Transformer

extension Weights {
  /// Plain to packed.
  struct Pack: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Pack a .safetensors file into a .safetensors.zst file.")

    /// The float types that a file can be converted to.
    enum FloatType: String, ExpressibleByArgument, CaseIterable {
      case f32, bf16, f16

      var dtype: TensorDType {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .f16: .f16
        }
      }
    }

    @Argument(help: "A .safetensors file, or a folder with \(Weights.plainName).")
    var input: String
    @OptionGroup var output: WeightOutput
    @Option(help: "Convert F32, BF16 and F16 tensors to this type. (default: keep every bit)")
    var dtype: FloatType?
    @Option(
      help: ArgumentHelp(
        "zstd level, 1 to 22. Entropy codes are tried too and nearly always win; 19 is half a "
          + "percent smaller and slow.", valueName: "n"))
    var level = WeightFileWriter.defaultLevel

    func validate() throws {
      guard WeightFileWriter.levels.contains(level) else {
        throw ValidationError("--level takes 1 to 22, not \(level)")
      }
    }

    func run() throws {
      try Failure.reported {
        let path = try Weights.file(input, in: [Weights.plainName])
        let target = try output.path(instead: path.hasSuffix(".zst") ? nil : path + ".zst")
        let file = try WeightFile(path: path)
        let writer = try WeightFileWriter(copying: file, as: dtype?.dtype)
        let bar = ProgressBar(label: "packing \(path)")
        defer { bar.finish() }
        try writer.writePacked(to: target, level: level, threads: output.threads.count) {
          bar.update(done: $0, total: $1)
        }
        bar.finish()
        try WeightOutput.report(file, as: target)
      }
    }
  }

  /// Packed to plain.
  struct Unpack: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Turn a packed file back into the .safetensors file that it was, bit for bit.")

    @Argument(help: "A .safetensors.zst file, or a folder with \(Weights.packedName).")
    var input: String
    @OptionGroup var output: WeightOutput

    func run() throws {
      try Failure.reported {
        let path = try Weights.file(input, in: [Weights.packedName])
        let target = try output.path(
          instead: path.hasSuffix(".zst") ? String(path.dropLast(4)) : nil)
        let file = try WeightFile(path: path)
        let writer = try WeightFileWriter(copying: file)
        let bar = ProgressBar(label: "unpacking \(path)")
        defer { bar.finish() }
        try writer.writePlain(to: target, threads: output.threads.count) {
          bar.update(done: $0, total: $1)
        }
        bar.finish()
        try WeightOutput.report(file, as: target)
      }
    }
  }
}
