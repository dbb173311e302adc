import Testing
import Workload

@Suite struct ClientMixTests {
  static let lengths = LengthPairs([
    Request(id: 0, arrival: .zero, inputLength: 5, outputLength: 7),
    Request(id: 1, arrival: .zero, inputLength: 50, outputLength: 70),
  ])

  @Test(
    "Drawn gaps have the mean and the variation asked for",
    arguments: [
      (ArrivalProcess.poisson(rate: 4), 1.0), (.gamma(rate: 4, variation: 0.5), 0.5),
      (.gamma(rate: 4, variation: 3), 3), (.weibull(rate: 4, shape: 0.5), 5.0.squareRoot()),
    ])
  func gaps(process: ArrivalProcess, variation: Double) {
    var random = RandomSource(seed: 11)
    let count = 200_000.0
    var (sum, squares) = (0.0, 0.0)
    for _ in 0..<Int(count) {
      let gap = process.gap(&random)
      sum += gap
      squares += gap * gap
    }
    let mean = sum / count
    let deviation = (squares / count - mean * mean).squareRoot()
    #expect(abs(mean * 4 - 1) < 4 * variation / count.squareRoot())
    #expect(abs(deviation / mean / variation - 1) < 0.05)
  }

  @Test func `Clients keep their own streams when others join`() throws {
    let one = ClientMix.Client("one", arrivals: .poisson(rate: 1), lengths: Self.lengths)
    let two = ClientMix.Client(
      "two", arrivals: .gamma(rate: 2, variation: 4), lengths: Self.lengths)
    var alone = try ClientMix(clients: [one], end: Time(seconds: 500), seed: 3)
    var both = try ClientMix(clients: [one, two], end: Time(seconds: 500), seed: 3)
    let single = try alone.collect().map(\.arrival)
    let mixed = try both.collect()
    #expect(mixed.filter { $0.client == 0 }.map(\.arrival) == single)
    #expect(zip(mixed, mixed.dropFirst()).allSatisfy { $0.arrival <= $1.arrival })
    #expect(mixed.map(\.id) == Array(mixed.indices))
    #expect(mixed.allSatisfy { ($0.inputLength, $0.outputLength) != (5, 70) })
    #expect(Double(mixed.count) > 1000)
  }

  @Test func `A mix without an end, a client or a length is refused`() {
    let client = ClientMix.Client("a", arrivals: .poisson(rate: 1), lengths: Self.lengths)
    let mute = ClientMix.Client("a", arrivals: .poisson(rate: 1), lengths: LengthPairs([]))
    let idle = ClientMix.Client("a", arrivals: .poisson(rate: 0), lengths: Self.lengths)
    #expect(throws: WorkloadError.self) { try ClientMix(clients: [client], seed: 0) }
    #expect(throws: WorkloadError.self) { try ClientMix(clients: [], count: 5, seed: 0) }
    #expect(throws: WorkloadError.self) { try ClientMix(clients: [mute], count: 5, seed: 0) }
    #expect(throws: WorkloadError.self) { try ClientMix(clients: [idle], count: 5, seed: 0) }
  }
}
