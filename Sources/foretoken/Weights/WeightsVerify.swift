import ArgumentParser
import Transformer

extension Weights {
  /// Decodes everything.
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Decode every tensor and check every checksum.",
      discussion: """
        Prints ok, or the first tensor that is damaged with its byte in the file (exit code 65). A \
        plain .safetensors file has no checksums: its header is checked, and that all can be read.
        """)

    @Argument(help: "A weight file, or a folder with one.")
    var input: String
    @OptionGroup var threads: ThreadCount

    func run() throws {
      try Failure.reported {
        let path = try Weights.file(input, in: [Weights.packedName, Weights.plainName])
        let file = try WeightFile(path: path)
        let bar = ProgressBar(label: "verifying \(path)")
        defer { bar.finish() }
        try file.verify(threads: threads.count) { bar.update(done: $0, total: $1) }
        bar.finish()
        let bytes = file.tensors.reduce(0) { $0 + $1.byteCount }
        let note = file.isPacked ? "" : " (a plain file has no checksums)"
        print("\(path): ok, \(file.tensors.count) tensors, \(byteText(bytes))\(note)")
      }
    }
  }
}
