import ArgumentParser
import Workload

/// Request traces: what is in them, and traces made from others.
struct Trace: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Inspect, convert and draw request traces.",
    subcommands: [Inspect.self, Convert.self, Synthesize.self])

  /// Writes requests as lines to stdout.
  static func write(_ source: inout some RequestSource, as schema: TraceSchema) throws {
    let writer = TraceWriter(schema)
    if let header = writer.header { print(header) }
    while let request = try source.next() { print(writer.line(request)) }
  }
}

extension Trace {
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Count a trace's requests; describe its arrivals and lengths.")

    @OptionGroup var flags: TraceFlags

    func run() throws {
      try Failure.reported {
        var source = try flags.open(seed: 0)
        var (inputs, outputs, gaps): ([Double], [Double], [Double]) = ([], [], [])
        var perSecond: [Int: Int] = [:]
        var last: Time?
        while let request = try source.next() {
          inputs.append(Double(request.inputLength))
          outputs.append(Double(request.outputLength))
          if let last { gaps.append((request.arrival - last).seconds) }
          last = request.arrival
          perSecond[Int(request.arrival.seconds), default: 0] += 1
        }
        let span = last?.seconds ?? 0
        print("format    \(source.base.schema.name)")
        print("requests  \(inputs.count) in \(span.fixed(3)) s")
        if span > 0 {
          print("rate      \((Double(inputs.count) / span).fixed(3))/s")
          print("bursts    gap deviation/mean \(variation(gaps).fixed(3))")
        }
        line("input", Percentiles(inputs))
        line("output", Percentiles(outputs))
        if let remarks = TraceFlags.remarks(source) { StandardError.write(remarks + "\n") }
      }
    }

    private func line(_ name: String, _ values: Percentiles) {
      let shown = [0.5, 0.9, 0.99].map { "p\(Int($0 * 100)) \(Int(values[$0].rounded()))" }
      guard values.count > 0 else { return }
      print(
        "\(name)\(String(repeating: " ", count: 10 - name.count))mean "
          + "\(values.mean.fixed(3)), \(shown.joined(separator: ", ")), "
          + "max \(Int(values.maximum)) tokens")
    }

    private func variation(_ gaps: [Double]) -> Double {
      let mean = gaps.reduce(0, +) / Double(gaps.count)
      let square = gaps.reduce(0) { $0 + $1 * $1 } / Double(gaps.count)
      return (square - mean * mean).squareRoot() / mean
    }
  }

  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a trace to stdout in another format, changed as the flags say.")

    @OptionGroup var flags: TraceFlags
    @Option(help: "The format to write.")
    var to = "foretoken"
    @Option(help: "Seed for --keep.")
    var seed: UInt64 = 0

    func run() throws {
      try Failure.reported {
        var source = try flags.open(seed: seed)
        try Trace.write(&source, as: TraceSchema.named(to))
        if let remarks = TraceFlags.remarks(source) { StandardError.write(remarks + "\n") }
      }
    }
  }

  struct Synthesize: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Draw arrivals, with lengths taken from a trace, and write them to stdout.",
      discussion: """
        Where TRACE is a folder of ServeGen's client files (chunk-N-trace.csv, \
        chunk-N-dataset.json), each client's arrivals and lengths are drawn as they were \
        recorded over the day; --from and --until choose the part of it.
        """)

    @OptionGroup var flags: TraceFlags
    @Option(help: "Requests a second of all clients together; a folder's own without.")
    var rate: Double?
    @Option(help: "Gap deviation over mean of each client: 1 is Poisson, more comes in bursts.")
    var variation = 1.0
    @Option(help: "Clients; each has the same share of the rate.")
    var clients = 1
    @Option(help: "Requests to draw.")
    var count = 1000
    @Option(help: "The format to write.")
    var to = "foretoken"
    @Option var seed: UInt64 = 0

    func run() throws {
      try Failure.reported {
        guard clients >= 1 else {
          throw CommandError(Failure.usage, "--clients must be at least 1")
        }
        if ServeGenFolder.isFolder(flags.trace) {
          var mix = try ServeGenFolder.mix(
            flags.trace, rate: rate, from: max(0, flags.from), until: flags.until, count: count,
            seed: seed)
          try Trace.write(&mix, as: TraceSchema.named(to))
          return
        }
        guard let rate else {
          throw CommandError(Failure.usage, "--rate says how many requests come a second")
        }
        var source = try flags.open(seed: seed)
        let lengths = LengthPairs(try source.collect())
        let share = rate / Double(clients)
        let arrivals: ArrivalProcess =
          variation == 1 ? .poisson(rate: share) : .gamma(rate: share, variation: variation)
        var mix = try ClientMix(
          clients: (0..<clients).map {
            ClientMix.Client("\($0)", arrivals: arrivals, lengths: lengths)
          }, count: count, seed: seed)
        try Trace.write(&mix, as: TraceSchema.named(to))
      }
    }
  }
}
