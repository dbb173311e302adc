/// Requests drawn from clients that each have a rate, a burstiness and lengths of their own, which
/// is how production traffic composes (ServeGen, arXiv 2505.09999): the sum of a few bursty clients
/// is neither Poisson nor stationary. One client makes a plain Poisson or Gamma trace.
package struct ClientMix: RequestSource {
  package struct Client: Sendable {
    package var name: String
    package var arrivals: ArrivalProcess
    package var lengths: LengthPairs

    package init(_ name: String, arrivals: ArrivalProcess, lengths: LengthPairs) {
      self.name = name
      self.arrivals = arrivals
      self.lengths = lengths
    }
  }

  package let clients: [Client]
  private let count: Int
  private let end: Time
  private var produced = 0
  /// Next arrival of each client, seconds.
  private var upcoming: [Double]
  /// One stream a client: adding a client changes nobody else's arrivals.
  private var randoms: [RandomSource]

  /// - Parameters:
  ///   - clients: at least one, each with lengths to draw from.
  ///   - count: the most requests.
  ///   - end: no request arrives at or after it.
  /// - Throws: `.invalidSetting` if a client cannot be drawn from, or the trace would have no end.
  package init(
    clients: [Client], count: Int = .max, end: Time = .never, seed: UInt64
  ) throws(WorkloadError) {
    guard !clients.isEmpty, clients.allSatisfy({ !$0.lengths.pairs.isEmpty }) else {
      throw WorkloadError(
        .invalidSetting, source: "client mix", problem: "a client without lengths, or no client")
    }
    guard count < .max || end < .never else {
      throw WorkloadError(
        .invalidSetting, source: "client mix", problem: "neither a count nor an end is given",
        advice: "say how many requests, or until when")
    }
    for client in clients { try client.arrivals.validate() }
    self.clients = clients
    self.count = count
    self.end = min(end, .longest)
    randoms = clients.indices.map { RandomSource(seed: seed, item: $0) }
    upcoming = []
    for index in clients.indices {
      upcoming.append(clients[index].arrivals.gap(&randoms[index]))
    }
  }

  package mutating func next() -> Request? {
    guard produced < count else { return nil }
    var first = 0
    for index in upcoming.indices where upcoming[index] < upcoming[first] { first = index }
    let arrival = Time(seconds: upcoming[first])
    guard arrival < end else { return nil }
    let lengths = clients[first].lengths.draw(&randoms[first])
    var request = Request(
      id: produced, arrival: arrival, inputLength: lengths.input, outputLength: lengths.output)
    request.client = first
    upcoming[first] += clients[first].arrivals.gap(&randoms[first])
    produced += 1
    return request
  }
}
