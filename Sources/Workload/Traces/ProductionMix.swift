/// Requests of clients whose rate, burstiness and lengths change over the day, as ServeGen records
/// them (arXiv 2505.09999): production traffic is the sum of a few clients, each bursty in its own
/// way.
///
/// A client's gaps are Gamma or Weibull with the parameters of the window in which they begin; one
/// that reaches beyond its window is drawn anew from the next window's beginning.
package struct ProductionMix: RequestSource {
  /// Prompt or answer lengths of a client from some moment on.
  package struct Lengths: Equatable, Sendable {
    fileprivate var tokens: [Int32] = []
    /// Sums of the shares up to each, ascending to about 1.
    fileprivate var cumulative: [Double] = []

    fileprivate func draw(_ random: inout RandomSource) -> Int {
      let level = random.uniform() * (cumulative.last ?? 1)
      var (low, high) = (0, cumulative.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if cumulative[middle] < level { low = middle + 1 } else { high = middle }
      }
      return Int(tokens[low])
    }
  }

  package struct Client: Sendable {
    package var name: String
    /// Ascending; `nil` while nothing comes.
    package var windows: [(start: Double, arrivals: ArrivalProcess?)]
    /// Ascending; those of the last one that has begun hold.
    package var lengths: [(start: Double, input: Lengths, output: Lengths)]

    package init(
      _ name: String, windows: [(start: Double, arrivals: ArrivalProcess?)],
      lengths: [(start: Double, input: Lengths, output: Lengths)]
    ) {
      self.name = name
      self.windows = windows
      self.lengths = lengths
    }
  }

  package let clients: [Client]
  private let scale: Double
  private let count: Int
  private let end: Double
  private let offset: Double
  private var produced = 0
  private var upcoming: [Double]
  private var randoms: [RandomSource]

  /// - Parameters:
  ///   - scale: of every client's rate.
  ///   - start: seconds of the recorded day that become time zero.
  ///   - end: seconds of the recorded day at which the trace ends, at the latest that of the last
  ///     window.
  /// - Throws: `.invalidSetting` for a scale that is not above 0 or an interval that is empty.
  package init(
    _ clients: [Client], scale: Double = 1, start: Double = 0, end: Double = .infinity,
    count: Int = .max, seed: UInt64
  ) throws(WorkloadError) {
    guard scale > 0, scale.isFinite, start >= 0, start < end, !clients.isEmpty else {
      throw WorkloadError(
        .invalidSetting, source: "client mix",
        problem: "needs clients, a scale above 0 and a start before the end")
    }
    self.clients = clients
    self.scale = scale
    self.count = count
    self.end = end
    offset = start
    randoms = clients.indices.map { RandomSource(seed: seed, item: $0) }
    upcoming = Array(repeating: .infinity, count: clients.count)
    for index in clients.indices { upcoming[index] = next(after: start, of: index) }
  }

  package mutating func next() -> Request? {
    guard produced < count else { return nil }
    var first = 0
    for index in upcoming.indices where upcoming[index] < upcoming[first] { first = index }
    let clock = upcoming[first]
    guard clock < end, clock.isFinite else { return nil }
    let client = clients[first]
    let lengths = client.lengths.last { $0.start <= clock } ?? client.lengths[0]
    var request = Request(
      id: produced, arrival: Time(seconds: clock - offset),
      inputLength: lengths.input.draw(&randoms[first]),
      outputLength: lengths.output.draw(&randoms[first]))
    request.client = first
    upcoming[first] = next(after: clock, of: first)
    produced += 1
    return request
  }

  /// When a client's next request comes; infinite after its last window.
  private mutating func next(after clock: Double, of index: Int) -> Double {
    let windows = clients[index].windows
    var from = clock
    var place = (windows.lastIndex { $0.start <= clock } ?? 0)
    while place < windows.count {
      // The last window is as long as the one before it.
      let stop =
        place + 1 < windows.count
        ? windows[place + 1].start
        : windows[place].start + (place > 0 ? windows[place].start - windows[place - 1].start : 600)
      if let arrivals = windows[place].arrivals, from < stop {
        let next = max(from, windows[place].start) + arrivals.gap(&randoms[index]) / scale
        if next < stop { return next }
      }
      from = stop
      place += 1
    }
    return .infinity
  }
}

extension ProductionMix {
  /// Requests a second between two moments of the recorded day, by the recorded rates.
  package static func rate(of clients: [Client], from start: Double, until end: Double) -> Double {
    var (sum, seconds) = (0.0, 0.0)
    for client in clients {
      var covered = 0.0
      for (window, next) in zip(client.windows, client.windows.dropFirst()) {
        let overlap = min(end, next.start) - max(start, window.start)
        guard overlap > 0 else { continue }
        covered += overlap
        sum += overlap * (window.arrivals?.rate ?? 0)
      }
      seconds = max(seconds, covered)
    }
    return seconds > 0 ? sum / seconds : 0
  }
}

// MARK: - ServeGen's files

extension ProductionMix.Client {
  /// A client out of ServeGen's two files: `chunk-N-trace.csv`, rows of
  /// `start, rate, cv, distribution, parameter, parameter`, and `chunk-N-dataset.json`, an object of
  /// windows that each give lengths as a Python dictionary of shares.
  ///
  /// - Returns: `nil` if the client never sends or has no lengths.
  /// - Throws: `.malformed` naming the file and the line or the window.
  package static func parsing(
    _ name: String, trace: String, traceName: String, lengths: [UInt8], lengthsName: String
  ) throws(WorkloadError) -> ProductionMix.Client? {
    var windows: [(start: Double, arrivals: ArrivalProcess?)] = []
    for (number, row) in trace.split(separator: "\n").enumerated() {
      func wrong(_ problem: String) -> WorkloadError {
        WorkloadError(.malformed, source: traceName, line: number + 1, problem: problem)
      }
      let cells = row.split(separator: ",", omittingEmptySubsequences: false).map {
        String($0.filter { !$0.isWhitespace })
      }
      guard cells.count >= 6, let start = Double(cells[0]), let rate = Double(cells[1]),
        let variation = Double(cells[2]), let shape = Double(cells[4]), start.isFinite,
        start >= windows.last?.start ?? 0
      else { throw wrong("expected start, rate, cv, distribution and two parameters") }
      var arrivals: ArrivalProcess?
      if rate > 0 {
        switch cells[3] {
        case "Gamma": arrivals = .gamma(rate: rate, variation: 1 / shape.squareRoot())
        case "Weibull": arrivals = .weibull(rate: rate, shape: shape)
        case "": arrivals = .gamma(rate: rate, variation: max(variation, 0.1))
        default: throw wrong("'\(cells[3])' is neither Gamma nor Weibull")
        }
        do { try arrivals?.validate() } catch { throw wrong(error.problem) }
      }
      windows.append((start, arrivals))
    }
    let parsed = try Self.lengths(lengths, lengthsName)
    guard !parsed.isEmpty, windows.contains(where: { $0.arrivals != nil }) else { return nil }
    return ProductionMix.Client(name, windows: windows, lengths: parsed)
  }

  private static func lengths(
    _ bytes: [UInt8], _ name: String
  ) throws(WorkloadError) -> [(
    start: Double, input: ProductionMix.Lengths, output: ProductionMix.Lengths
  )] {
    func wrong(_ problem: String) -> WorkloadError {
      WorkloadError(.malformed, source: name, problem: problem)
    }
    let whole: JSONValue
    do { whole = try JSONValue(parsing: bytes, in: 0..<bytes.count) } catch {
      throw wrong("is not JSON: \(error)")
    }
    guard case .object(let members) = whole else {
      throw wrong("is \(whole.summary), not an object")
    }
    var found: [(start: Double, input: ProductionMix.Lengths, output: ProductionMix.Lengths)] = []
    for member in members {
      guard let start = Double(member.key) else { throw wrong("'\(member.key)' is no time") }
      guard case .string(let input) = member.value["input_tokens"],
        case .string(let output) = member.value["output_tokens"],
        let inputs = ProductionMix.Lengths(parsing: input),
        let outputs = ProductionMix.Lengths(parsing: output)
      else { throw wrong("window \(member.key) has no shares by input_tokens and output_tokens") }
      found.append((start, inputs, outputs))
    }
    return found.sorted { $0.start < $1.start }
  }
}

extension ProductionMix.Lengths {
  /// Out of `{45: 0.0097, 46: 0.0117, ...}`; `nil` unless some share is above 0.
  package init?(parsing text: String) {
    let inner = text.filter { $0 != "{" && $0 != "}" && !$0.isWhitespace }
    for pair in inner.split(separator: ",") {
      let sides = pair.split(separator: ":")
      guard sides.count == 2, let tokens = Double(sides[0]), let share = Double(sides[1]),
        share >= 0, share.isFinite, tokens >= 0, tokens < 1e9
      else { return nil }
      if share == 0 { continue }
      self.tokens.append(Int32(max(1, tokens.rounded())))
      cumulative.append((cumulative.last ?? 0) + share)
    }
    if cumulative.isEmpty { return nil }
  }
}
