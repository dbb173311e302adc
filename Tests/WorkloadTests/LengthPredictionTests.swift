import Testing
import Workload

@Suite struct LengthPredictionTests {
  static let spread = LengthPrediction(quantiles: [10, 20, 50, 100, 200, 400, 500, 900])

  @Test func `Quantiles and survival are each other's inverse`() {
    for level in stride(from: 0.01, to: 0.999, by: 0.007) {
      let length = Self.spread.quantile(level)
      #expect(abs(1 - Self.spread.survival(length) - level) < 1e-6)
    }
    #expect(Self.spread.survival(0) == 1)
    #expect(Self.spread.median == 100)
    #expect(Self.spread.tailMean > 400)
  }

  @Test func `The mean that is left is the integral of survival`() {
    for done in [0.0, 5, 30, 150, 450, 950] {
      var area = 0.0
      for step in 0..<200_000 { area += Self.spread.survival(done + (Double(step) + 0.5) * 0.05) }
      let expected = area * 0.05 / Self.spread.survival(done)
      #expect(abs(Self.spread.expectedRemaining(after: done) / expected - 1) < 2e-3)
    }
  }

  @Test func `A known length counts down and then is taken to end at once`() {
    let known = LengthPrediction(exactly: 70)
    #expect(known.expectedRemaining() == 70)
    #expect(known.expectedRemaining(after: 30) == 40)
    #expect(known.remaining(0.9, after: 30) == 40)
    #expect(known.quantile(0.1) == 70 && known.quantile(0.9) == 70)
    #expect(known.remaining(0.5, after: 70) == 1)
    #expect(known.expectedRemaining(after: 80) == 1)
  }

  @Test func `Quantiles out of order, below one or not a number are put right`() {
    let odd = LengthPrediction(quantiles: [-5, .nan, 7, 3, 9, .infinity, 8, 10])
    #expect(odd.quantiles == [1, 1, 7, 7, 9, 9, 9, 10])
  }

  @Test(
    "The noise model has the tau and the coverage asked for",
    arguments: [
      (0.3, 0.8), (0.6, 0.8), (0.6, 0.5), (0.9, 0.8), (0, 0.8),
    ])
  func noise(tau: Double, coverage: Double) throws {
    var random = RandomSource(seed: 8)
    let requests = (0..<1500).map { id in
      let length = 1 + Int(120 * random.gamma(shape: 1.5))
      return Request(id: id, arrival: .zero, inputLength: 1, outputLength: length)
    }
    let predictor = try NoisyPredictor(
      tau: tau, coverage: coverage, lengths: requests.map(\.outputLength), seed: 2)
    let predictions = requests.compactMap(predictor.prediction)
    var concordance = 0
    var inside = 0
    for (index, request) in requests.enumerated() {
      let own = predictions[index]
      let length = Float(request.outputLength)
      inside += length >= own.quantiles[1] && length <= own.quantiles[5] ? 1 : 0
      for other in 0..<index {
        let predicted = own.median - predictions[other].median
        let product = predicted * Double(request.outputLength - requests[other].outputLength)
        concordance += product > 0 ? 1 : product < 0 ? -1 : 0
      }
    }
    let pairs = Double(requests.count * (requests.count - 1) / 2)
    #expect(abs(Double(concordance) / pairs - tau) < 0.04)
    #expect(abs(Double(inside) / Double(requests.count) - coverage) < 0.04)
  }

  @Test func `Groups learn from those who have ended`() {
    var groups = GroupQuantiles(.client, least: 3)
    func request(_ client: Int, _ length: Int) -> Request {
      var request = Request(id: 0, arrival: .zero, inputLength: 1, outputLength: length)
      request.client = client
      return request
    }
    for length in [10, 20] { groups.finished(request(1, length)) }
    #expect(groups.prediction(for: request(1, 99)) == nil)
    groups.finished(request(1, 30))
    #expect(groups.prediction(for: request(1, 99))?.median == 20)
    #expect(groups.prediction(for: request(2, 99)) == nil)
  }
}
