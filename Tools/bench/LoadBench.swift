import ArgumentParser
import FoundationEssentials
import Transformer

/// How fast a weight file becomes a model in memory.
struct LoadBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Seconds from a weight file (in the page cache) to the kernels' panels.",
    discussion: "Speeds are bytes of the tensors per second, so plain and packed files compare.")

  @Argument(help: "A model folder: config.json and the weights.")
  var folder: String
  @Option(help: "The weight file. (default: model.safetensors.zst in the folder)")
  var file: String?
  @Option(help: "Weight type in memory. (default: as stored)")
  var dtype: WeightType?
  @Option(help: "Threads.")
  var threads = 2
  @Option(help: "Times that it is loaded; the median counts.")
  var repeats = 15
  @Flag(help: "Print a JSON object.")
  var json = false

  struct Result: Encodable {
    var file: String
    var threads: Int
    /// Of the file.
    var fileBytes: Int
    /// Of the tensors.
    var bytes: Int
    /// Opening, decoding and packing into panels.
    var loadSeconds: Double
    /// Opening and decoding alone.
    var decodeSeconds: Double
  }

  func run() throws {
    let path = file ?? folder + "/model.safetensors.zst"
    let configuration = try LlamaConfiguration(contentsOf: folder + "/config.json")
    var (load, decode): ([Double], [Double]) = ([], [])
    for round in 0..<repeats + 1 {
      let loading = try ContinuousClock().measure {
        _ = try LlamaWeights(
          Checkpoint(WeightFile(path: path)), configuration: configuration, type: dtype,
          threads: threads)
      }
      let decoding = try ContinuousClock().measure {
        try WeightFile(path: path).verify(threads: threads)
      }
      // The first round brings the file into the page cache.
      if round > 0 {
        load.append(loading.seconds)
        decode.append(decoding.seconds)
      }
    }
    let opened = try WeightFile(path: path)
    let result = Result(
      file: path, threads: threads, fileBytes: opened.size,
      bytes: opened.tensors.reduce(0) { $0 + $1.byteCount }, loadSeconds: load.median,
      decodeSeconds: decode.median)
    if json {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      print(String(decoding: try encoder.encode(result), as: UTF8.self))
      return
    }
    func line(_ name: String, _ samples: [Double]) -> String {
      let (low, middle, high) = samples.quartiles
      let speed = Double(result.bytes) / middle / 1e9
      return "\(name) \((middle * 1e3).rounded(2)) ms"
        + " (\((low * 1e3).rounded(2))-\((high * 1e3).rounded(2))), \(speed.rounded(2)) GB/s"
    }
    print("\(path): \(result.bytes) bytes of tensors in \(result.fileBytes), \(threads) threads")
    print(line("load  ", load))
    print(line("decode", decode))
  }
}
