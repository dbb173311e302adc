import Support
import Testing

@testable import Workload

@Suite struct PrefixCacheTests {
  /// Conversations: prompts that begin alike, in blocks of 24 tokens of the trace.
  private static func conversations(_ count: Int, seed: UInt64) -> [Request] {
    var generator = SeededGenerator(seed: seed)
    return RandomWorkload.requests(count, seed: seed).map { request in
      var request = request
      request.prefixBlockSize = 24
      let topic = UInt64.random(in: 0..<3, using: &generator)
      let shared = Int.random(in: 0...3, using: &generator)
      let blocks = (request.inputLength + 23) / 24
      request.prefixHashes = (0..<blocks).map { block in
        block < shared ? topic * 100 + UInt64(block) : UInt64(1000 + request.id * 10 + block)
      }
      return request
    }
  }

  private static func configuration(_ batching: Batching) -> SchedulerConfiguration {
    var configuration = RandomWorkload.configuration(batching, .recompute)
    configuration.cachesPrefixes = true
    return configuration
  }

  @Test("Nothing is lost, counted twice or over capacity", arguments: Batching.allCases)
  func conservation(_ batching: Batching) throws {
    var (reused, preemptions) = (0, 0)
    for (index, ordering) in PolicyTable.orderings.enumerated() {
      let requests = Self.conversations(50, seed: UInt64(index))
      let predictor = try RandomWorkload.noise(requests)
      func run(skips: Bool) throws -> SimulationPropertyTests.Run {
        try SimulationPropertyTests.run(
          requests, Self.configuration(batching), ordering: ordering, predictor: predictor,
          skips: skips)
      }
      let (once, stepped) = (try run(skips: true), try run(skips: false))
      let metrics = once.observer.metrics
      #expect(once.observer.violations.isEmpty, "\(once.observer.violations.prefix(3))")
      #expect(metrics.records.allSatisfy { $0.ending == .finished })
      // What was found and what was computed is what was needed, and what was lost.
      let wasted = metrics.records.reduce(0) { $0 + Int($1.wasted) }
      let needed = requests.reduce(0) { $0 + $1.inputLength + $1.outputLength - 1 }
      let totals = metrics.totals
      #expect(
        totals.prefillTokens + totals.decodeTokens + totals.reusedTokens == needed + wasted)
      #expect(once.observer.events == stepped.observer.events)
      reused += totals.reusedTokens
      preemptions += metrics.records.reduce(0) { $0 + Int($1.preemptions) }
    }
    #expect(reused > 1000 && (preemptions > 0 || batching == .batchToCompletion))
  }

  @Test(
    "Without names of blocks only who was preempted finds anything", arguments: Batching.allCases)
  func nameless(_ batching: Batching) throws {
    var (reused, saved) = (0, 0)
    for ordering in PolicyTable.orderings {
      for seed in 12..<15 as Range<UInt64> {
        let requests = RandomWorkload.requests(40, seed: seed)
        func run(caches: Bool, blocks: Int) throws -> SimulationPropertyTests.Run {
          var configuration = RandomWorkload.configuration(batching, .recompute)
          configuration.cachesPrefixes = caches
          configuration.blockCount = blocks
          return try SimulationPropertyTests.run(requests, configuration, ordering: ordering)
        }
        let (with, without) = (
          try run(caches: true, blocks: 30), try run(caches: false, blocks: 30)
        )
        let metrics = with.observer.metrics
        let admitted = with.observer.events.filter { $0.kind == .admitted }
        #expect(admitted.allSatisfy { $0.tokens == 0 })
        reused += metrics.totals.reusedTokens
        saved += without.observer.metrics.totals.prefillTokens - metrics.totals.prefillTokens
        if ordering.isPreemptive { continue }
        // Nobody is preempted from a cache that holds everybody.
        let (roomy, plain) = (
          try run(caches: true, blocks: 200), try run(caches: false, blocks: 200)
        )
        #expect(roomy.observer.events == plain.observer.events)
        #expect(roomy.observer.metrics.totals == plain.observer.metrics.totals)
      }
    }
    // A batch that runs to its end alone preempts nobody.
    #expect((reused > 1000) == (batching != .batchToCompletion))
    #expect((saved > 0) == (batching != .batchToCompletion))
  }

  /// Blocks of 8 tokens, each of its own name.
  private static func request(_ id: Int, at seconds: Double, _ names: [UInt64], _ length: Int)
    -> Request
  {
    var request = Request(
      id: id, arrival: Time(seconds: seconds), inputLength: length, outputLength: 2)
    (request.prefixHashes, request.prefixBlockSize) = (names, 8)
    return request
  }

  @Test func `A preempted request finds what is left of its text, answer and all`() {
    var cache = PrefixCache(capacity: 10, blockSize: 8)
    let request = Request(id: 3, arrival: .zero, inputLength: 20, outputLength: 30)
    cache.join(0, request)
    cache.extend(0, to: 5)
    cache.fill(0, from: 0, to: 20)
    cache.fill(0, from: 20, to: 37)
    // 37 of 38 tokens are computed: four full blocks, of which three cover all but the last token
    // of 32.
    cache.giveBack(0, computed: 37)
    #expect(cache.found(0, known: 38).blocks == 4 && cache.found(0, known: 38).unused == 4)
    #expect(cache.found(0, known: 32).blocks == 3)
    // Another request with a prompt of that length shares nothing, and takes the blocks that were
    // never used, then the last ones of the first.
    cache.join(1, Request(id: 4, arrival: .zero, inputLength: 60, outputLength: 2))
    #expect(cache.found(1, known: 60).blocks == 0)
    cache.extend(1, to: 7)
    #expect(cache.found(0, known: 38).blocks == 3)
  }

  private static func found(_ requests: [Request], blocks: Int) throws -> [Int] {
    var configuration = configuration(.continuous)
    configuration.tokenBudget = 200
    configuration.blockCount = blocks
    var simulation = try Simulation(
      Scheduler(configuration), source: ListedRequests(requests), model: RandomWorkload.model,
      observer: EventLog())
    try simulation.run()
    return simulation.observer.events.filter { $0.kind == .admitted }.map(\.tokens)
  }

  @Test func `A prompt is found but for its last token, later and in the same step`() throws {
    let names = (1...5).map { UInt64($0) }
    let all = try Self.found(
      [
        Self.request(0, at: 0, names, 40), Self.request(1, at: 0, names, 40),
        Self.request(2, at: 9, names, 41), Self.request(3, at: 9, [1, 2, 9, 4, 5], 40),
        Self.request(4, at: 9, [9, 2, 3, 4, 5], 40), Self.request(5, at: 9, names, 8),
      ], blocks: 30)
    #expect(all == [0, 32, 40, 16, 0, 0])
  }

  @Test func `What has not been used for longest goes first, of a prompt the end`() throws {
    let (first, second) = ((1...5).map { UInt64($0) }, (11...15).map { UInt64($0) })
    // 12 blocks: each prompt takes 5 and one for its answer.
    let all = try Self.found(
      [
        Self.request(0, at: 0, first, 40), Self.request(1, at: 5, second, 40),
        // Takes the three blocks that have been unused for longest: the end and the answer of the
        // first, whose return then takes those of the second.
        Self.request(2, at: 10, [21, 22], 16), Self.request(3, at: 15, first, 40),
        Self.request(4, at: 20, second, 40),
      ], blocks: 12)
    #expect(all == [0, 0, 0, 24, 24])
  }

  /// The same cache, as plainly as it can be said.
  private struct PlainCache {
    /// Unused ones, the longest unused first; what each holds.
    var unused: [(block: Int, key: [UInt64])]
    var used: [Int: (users: Int, key: [UInt64])] = [:]

    init(capacity: Int) { unused = (0..<capacity).map { ($0, []) } }

    func found(_ names: [UInt64], known: Int) -> [Int] {
      var blocks: [Int] = []
      while (blocks.count + 1) * 8 < known, blocks.count < names.count {
        let key = Array(names[...blocks.count])
        let block =
          unused.first { $0.key == key }?.block ?? used.first { $0.value.key == key }?.key
        guard let block else { break }
        blocks.append(block)
      }
      return blocks
    }

    mutating func start(_ names: [UInt64], _ length: Int) -> [Int] {
      var blocks = found(names, known: length)
      for block in blocks {
        if let place = unused.firstIndex(where: { $0.block == block }) {
          used[block] = (0, unused.remove(at: place).key)
        }
        used[block]?.users += 1
      }
      while blocks.count < (length + 7) / 8 {
        let block = unused.removeFirst().block
        let index = blocks.count
        let key = index < names.count && (index + 1) * 8 <= length ? Array(names[...index]) : []
        let isKnown =
          unused.contains { $0.key == key } || used.values.contains { $0.key == key }
        used[block] = (1, isKnown ? [] : key)
        blocks.append(block)
      }
      return blocks
    }

    mutating func end(_ blocks: [Int]) {
      for block in blocks.reversed() {
        guard let entry = used[block] else { continue }
        used[block]?.users -= 1
        if entry.users == 1 {
          used[block] = nil
          unused.append((block, entry.key))
        }
      }
    }
  }

  @Test func `It finds, gives out and forgets what a plain list does`() {
    var generator = SeededGenerator(seed: 8)
    var cache = PrefixCache(capacity: 24, blockSize: 8)
    var plain = PlainCache(capacity: 24)
    var running: [Int: (blocks: [Int], length: Int)] = [:]
    var hits = 0
    for step in 0..<4000 {
      let slot = Int.random(in: 0..<6, using: &generator)
      if let old = running.removeValue(forKey: slot) {
        cache.giveBack(slot, computed: old.length)
        plain.end(old.blocks)
      } else {
        let topic = UInt64.random(in: 1...4, using: &generator) * 10
        let depth = UInt64.random(in: 1...4, using: &generator)
        let names = (0..<depth).map { $0 < 2 ? topic + $0 : topic + $0 + 100 * UInt64(step % 5) }
        let request = Self.request(
          step, at: 0, names, Int.random(in: 1...8 * Int(depth) + 7, using: &generator))
        cache.join(slot, request)
        let found = cache.found(slot, known: request.inputLength)
        let expected = plain.found(names, known: request.inputLength)
        #expect(found.blocks == expected.count)
        #expect(found.unused == expected.count { block in plain.used[block] == nil })
        let wanted = (request.inputLength + 7) / 8
        guard wanted - found.blocks + found.unused <= cache.free else { continue }
        hits += found.blocks
        cache.reuse(slot, found)
        cache.extend(slot, to: wanted)
        cache.fill(slot, from: found.blocks * 8, to: request.inputLength)
        running[slot] = (plain.start(names, request.inputLength), request.inputLength)
      }
      #expect(cache.free == plain.unused.count)
    }
    #expect(hits > 500)
  }

  @Test func `Blocks of any size find the same text`() throws {
    for size in [5, 8, 16, 100] {
      var cache = PrefixCache(capacity: 60, blockSize: size)
      var request = Request(id: 0, arrival: .zero, inputLength: 240, outputLength: 1)
      (request.prefixHashes, request.prefixBlockSize) = (Array(1...5), 48)
      cache.join(0, request)
      cache.extend(0, to: 240 / size)
      cache.fill(0, from: 0, to: 240)
      // Three of the trace's blocks are the same.
      request.prefixHashes = [1, 2, 3, 9, 5]
      cache.join(1, request)
      #expect(cache.found(1, known: 240).blocks == 144 / size)
      request.prefixHashes = [9, 2, 3, 4, 5]
      cache.join(2, request)
      #expect(cache.found(2, known: 240).blocks == 0)
    }
  }
}
