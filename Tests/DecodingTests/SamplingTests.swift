import Decoding
import Support
import Testing

/// The warper against a slow, plain statement of the same filters; the random numbers.
@Suite struct SamplingTests {
  /// Temperature, top-k, top-p, min-p as one would write them down, in doubles.
  static func naive(_ logits: [Float], _ options: SamplingOptions) -> [Double] {
    let scaled = logits.map { Double($0) / options.temperature }
    var kept = Set(logits.indices)
    if options.topK > 0, options.topK < logits.count {
      let least = logits.sorted(by: >)[options.topK - 1]
      kept = kept.filter { logits[$0] >= least }
    }
    func weights() -> [Double] {
      let top = scaled.max() ?? 0
      let all = logits.indices.map { kept.contains($0) ? power(scaled[$0] - top) : 0 }
      let sum = all.reduce(0, +)
      return all.map { $0 / sum }
    }
    if options.topP < 1 {
      let p = weights()
      var mass = 0.0
      var nucleus: Set<Int> = []
      for token in logits.indices.sorted(by: { (p[$0], $1) > (p[$1], $0) }) {
        nucleus.insert(token)
        mass += p[token]
        if mass >= options.topP { break }
      }
      kept.formIntersection(nucleus)
    }
    let p = weights()
    let least = options.minP * (p.max() ?? 0)
    kept = kept.filter { p[$0] >= least * (1 - 1e-9) }
    return weights()
  }

  private static func power(_ x: Double) -> Double { Double.exponential(x) }

  @Test("Filters keep what their definitions keep", arguments: [5, 8, 31, 100, 1000, 8192])
  func filters(vocabulary: Int) {
    var generator = SeededGenerator(seed: UInt64(vocabulary))
    for round in 0..<60 {
      let logits = (0..<vocabulary).map { _ in
        Float.random(in: -6...6, using: &generator) * (round % 3 == 0 ? 0.2 : 1)
      }
      let options = SamplingOptions(
        temperature: [0.3, 0.7, 1, 1.6][round % 4], topK: [0, 1, 3, 40][round / 4 % 4],
        topP: [1, 0.95, 0.5][round % 3], minP: [0, 0.05, 0.4][round / 3 % 3])
      let found = logits.withUnsafeBufferPointer {
        LogitsWarper(options).distribution($0, history: TokenHistory(prompt: []))
      }
      let expected = Self.naive(logits, options)
      let worst = expected.indices.map {
        abs(expected[$0] - found.probability(of: TokenID($0)))
      }.max()
      // The vector exponential is good to a few units in the last place of a float.
      #expect((worst ?? 1) < 1e-6, "\(options)")
      #expect(abs(found.probabilities.reduce(0, +) - 1) < 1e-12)
    }
  }

  @Test func `Ties: greedy takes the first token, top-k keeps all that are tied with the last`() {
    let logits: [Float] = [1, 3, 3, 2, 2, 2, 0]
    let history = TokenHistory(prompt: [])
    logits.withUnsafeBufferPointer {
      #expect(
        LogitsWarper(SamplingOptions()).distribution($0, history: history)
          == TokenDistribution(only: 1))
      #expect(
        LogitsWarper(SamplingOptions(temperature: 1, topK: 3))
          .distribution($0, history: history).tokens == [1, 2, 3, 4, 5])
    }
  }

  @Test func `Penalties follow Hugging Face and OpenAI, and count what they should`() {
    var history = TokenHistory(prompt: [0, 1])
    for token in [1, 2, 2, 3] as [TokenID] { history.append(token) }
    history.remove(3)
    let logits: [Float] = [2, -2, 2, 2]
    let options = SamplingOptions(
      temperature: 1, repetitionPenalty: 2, presencePenalty: 0.5, frequencyPenalty: 0.25)
    let found = logits.withUnsafeBufferPointer {
      LogitsWarper(options).distribution($0, history: history)
    }
    // 0: prompt only; 1: prompt and answer; 2: answer, twice; 3: taken back.
    let expected: [Float] = [1, -4 - 0.75, 1 - 1, 2]
    let plain = expected.withUnsafeBufferPointer {
      LogitsWarper(SamplingOptions(temperature: 1))
        .distribution($0, history: TokenHistory(prompt: []))
    }
    #expect(found == plain)
  }

  @Test func `Philox gives the words of its published test vectors`() {
    let ones = UInt32.max
    #expect(
      Philox.words(key: 0, counter: SIMD4(0, 0, 0, 0))
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Philox.words(key: .max, counter: SIMD4(ones, ones, ones, ones))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox.words(
        key: 0x299f_31d0_a409_3822,
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func `The same numbers come back, and every key part changes them`() {
    let wide = TokenDistribution(weights: Array(repeating: 1, count: 100_000))
    func draw(_ seed: UInt64, _ request: UInt64, _ position: Int, _ purpose: ChancePurpose)
      -> TokenID
    {
      var chance = SeededChance(seed: seed, request: request)
      return chance.token(from: wide, position: position, purpose: purpose)
    }
    let first = draw(1, 2, 3, .draft)
    #expect(first == draw(1, 2, 3, .draft))
    let others = [
      draw(2, 2, 3, .draft), draw(1, 3, 3, .draft), draw(1, 2, 4, .draft), draw(1, 2, 3, .target),
      draw(1, 2, 3, .residual), draw(1 << 40 | 1, 2, 3, .draft), draw(1, 1 << 40 | 2, 3, .draft),
    ]
    #expect(Set(others + [first]).count == others.count + 1)
  }

  @Test func `A draw takes the token whose share of the unit interval holds the number`() {
    var generator = SeededGenerator(seed: 1)
    for count in [1, 2, 63, 64, 65, 200, 1000] {
      let weights = (0..<count).map { _ in
        Bool.random(using: &generator) ? 0 : Double.random(in: 0...1, using: &generator)
      }
      guard weights.contains(where: { $0 > 0 }) else { continue }
      let distribution = TokenDistribution(weights: weights)
      for _ in 0..<200 {
        let uniform = Double.random(in: 0..<1, using: &generator)
        let token = Int(distribution.token(at: uniform))
        let before = distribution.probabilities[..<token].reduce(0, +)
        #expect(distribution.probabilities[token] > 0)
        #expect(before - 1e-12...before + distribution.probabilities[token] + 1e-12 ~= uniform)
      }
      #expect(distribution.probability(of: distribution.token(at: 1.0.nextDown)) > 0)
    }
  }

  @Test func `The summary of a row is its top two and its entropy`() {
    var generator = SeededGenerator(seed: 4)
    for count in [2, 7, 8, 9, 300] {
      let model = FakeModel(vocabularySize: count) { _ in
        var inner = SeededGenerator(seed: UInt64(count))
        return (0..<count).map { _ in .random(in: -4...4, using: &inner) }
      }
      let drafter = try? ModelDrafter(model: model)
      let prefix = Prefix(
        prompt: [TokenID.random(in: 0..<2, using: &generator)], sampling: SamplingOptions())
      let summary = try? drafter?.score(after: prefix, needs: [.summary])?.evidence.summary
      let p = Self.naive(model.logits(after: [0]), SamplingOptions(temperature: 1)).sorted(by: >)
      #expect(abs((summary?.topProbability ?? 0) - p[0]) < 1e-6)
      #expect(abs((summary?.secondProbability ?? 0) - p[1]) < 1e-6)
      let entropy = p.reduce(0) { $0 - $1 * Double.naturalLogarithm($1) }
      #expect(abs((summary?.entropy ?? 0) - entropy) < 1e-5)
    }
  }

  @Test func `The likeliest tokens come in order, of equal ones the first`() {
    var generator = SeededGenerator(seed: 5)
    for count in [1, 2, 3, 4, 5, 63, 64, 65, 1000, 8192] {
      // Few values, so that many tokens are tied.
      let values = count % 2 == 0 ? 0...9 : 0...99_999
      let logits = (0..<count).map { _ in Float(Int.random(in: values, using: &generator)) / 8 }
      let found = logits.withUnsafeBufferPointer { LogitsRow($0).description.likeliest }
      let p = Self.naive(logits, SamplingOptions(temperature: 1))
      let order = p.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }.prefix(4)
      for place in 0..<4 {
        let token = place < count ? order[place] : nil
        #expect(found.tokens[place] == token.map(TokenID.init) ?? -1)
        #expect(abs(Double(found.probabilities[place]) - (token.map { p[$0] } ?? 0)) < 1e-6)
      }
    }
  }
}
