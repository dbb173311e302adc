import ArgumentParser
import Dispatch
import FoundationEssentials
import Transformer

/// How fast a weight file becomes a model in memory.
struct LoadBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Seconds from a weight file (in the page cache) to the kernels' panels.",
    discussion: """
      Speeds are bytes of the tensors per second, so plain and packed files compare. "touch" is what the \
      system takes to give as much memory as the weights need, which loading cannot do without; under a \
      hypervisor it may take longer than all else, and vary.
      """)

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
    /// First writes to as many bytes of memory as the weights take.
    var touchSeconds: Double
  }

  func run() throws {
    let path = file ?? folder + "/model.safetensors.zst"
    let configuration = try LlamaConfiguration(contentsOf: folder + "/config.json")
    var (load, decode, touch): ([Double], [Double], [Double]) = ([], [], [])
    var weightBytes = 0
    for round in 0..<repeats + 1 {
      let loading = try ContinuousClock().measure {
        weightBytes = try LlamaWeights(
          Checkpoint(WeightFile(path: path)), configuration: configuration, type: dtype,
          threads: threads
        ).byteCount
      }
      let decoding = try ContinuousClock().measure {
        try WeightFile(path: path).verify(threads: threads)
      }
      let touching = try ContinuousClock().measure { try self.touch(weightBytes) }
      // The first round brings the file into the page cache.
      if round > 0 {
        load.append(loading.seconds)
        decode.append(decoding.seconds)
        touch.append(touching.seconds)
      }
    }
    let opened = try WeightFile(path: path)
    let result = Result(
      file: path, threads: threads, fileBytes: opened.size,
      bytes: opened.tensors.reduce(0) { $0 + $1.byteCount }, loadSeconds: load.median,
      decodeSeconds: decode.median, touchSeconds: touch.median)
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
    print(line("touch ", touch))
  }

  /// Writes to every page of fresh memory, on all threads.
  private func touch(_ bytes: Int) throws {
    let buffer = try AlignedBuffer(byteCount: bytes, purpose: "pages")
    let share = (bytes + threads - 1) / threads
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      for place in stride(
        from: thread * share, to: min((thread + 1) * share, bytes), by: 4096)
      {
        buffer.pointer.storeBytes(of: 1, toByteOffset: place, as: UInt8.self)
      }
    }
  }
}
