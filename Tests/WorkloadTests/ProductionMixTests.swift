import Testing
import Workload

/// ServeGen's clients: read as they are written, drawn as they were recorded.
@Suite struct ProductionMixTests {
  private static let trace = """
    0,0,0,,0,0
    600,2,1.41421356,Gamma,0.5,1.0
    1200,0.5,1,Weibull,1,2
    1800,0,0,,0,0

    """
  private static let lengths = """
    {"0": {"input_tokens": "{10: 0.25, 20: 0.75}", "output_tokens": "{5: 1.0}"},
     "1200": {"input_tokens": "{30: 1.0}", "output_tokens": "{7: 0.5, 8.0: 0.5}"}}
    """

  private static func client(
    trace: String = trace, lengths: String = lengths
  ) throws -> ProductionMix.Client? {
    try ProductionMix.Client.parsing(
      "chunk-0", trace: trace, traceName: "t.csv", lengths: Array(lengths.utf8),
      lengthsName: "d.json")
  }

  @Test func `Rates and lengths are those of the window`() throws {
    let client = try #require(try Self.client())
    #expect(abs(ProductionMix.rate(of: [client], from: 600, until: 1800) - 1.25) < 1e-12)
    var (early, late, short, sevens) = (0, 0, 0, 0)
    let runs = 40
    for seed in 0..<runs {
      var mix = try ProductionMix([client], seed: UInt64(seed))
      for request in try mix.collect() {
        let clock = request.arrival.seconds
        #expect(clock >= 600 && clock < 1800)
        if clock < 1200 {
          early += 1
          short += request.inputLength == 10 ? 1 : 0
          #expect([10, 20].contains(request.inputLength) && request.outputLength == 5)
        } else {
          late += 1
          sevens += request.outputLength == 7 ? 1 : 0
          #expect(request.inputLength == 30 && [7, 8].contains(request.outputLength))
        }
      }
    }
    // 2 and 0.5 a second for 600 s: within five deviations, the Gamma's being twice Poisson's.
    #expect(abs(Double(early) / Double(runs) - 1200) < 5 * (2 * 1200 / Double(runs)).squareRoot())
    #expect(abs(Double(late) / Double(runs) - 300) < 5 * (300 / Double(runs)).squareRoot())
    #expect(abs(Double(short) / Double(early) - 0.25) < 0.01)
    #expect(abs(Double(sevens) / Double(late) - 0.5) < 0.03)
  }

  @Test func `A part of the day begins at zero, and a scale multiplies the rate`() throws {
    let client = try #require(try Self.client())
    var mix = try ProductionMix([client, client], scale: 3, start: 900, end: 1000, seed: 4)
    let requests = try mix.collect()
    #expect(requests.allSatisfy { $0.arrival >= .zero && $0.arrival < Time(seconds: 100) })
    #expect((900...1500).contains(requests.count))
    #expect(Set(requests.map(\.client)) == [0, 1])
    #expect(zip(requests, requests.dropFirst()).allSatisfy { $0.arrival <= $1.arrival })
  }

  @Test(
    "Wrong files are named with the place",
    arguments: [
      ("0,1,1\n", Self.lengths, "t.csv:1"),
      ("0,0,0,,0,0\n600,1,1,Pareto,1,1\n", Self.lengths, "t.csv:2"),
      ("600,1,1,Gamma,1,1\n0,1,1,Gamma,1,1\n", Self.lengths, "t.csv:2"),
      ("0,1,1,Gamma,-1,1\n", Self.lengths, "t.csv:1"), (Self.trace, "[1]", "d.json"),
      (Self.trace, "{\"0\": {\"input_tokens\": \"{1: 1}\"}}", "window 0"),
      (
        Self.trace, "{\"0\": {\"input_tokens\": \"{1: x}\", \"output_tokens\": \"{1: 1}\"}}",
        "window 0"
      ),
    ])
  func problems(_ trace: String, _ lengths: String, _ place: String) throws {
    let error = #expect(throws: WorkloadError.self) {
      try Self.client(trace: trace, lengths: lengths)
    }
    #expect(error?.description.contains(place) == true, "\(String(describing: error))")
    #expect(try Self.client(trace: "0,0,0,,0,0\n") == nil)
  }
}
