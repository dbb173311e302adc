/// Requests in the order of their arrival, one at a time: a file being read, a process being
/// drawn, or an array. Nothing keeps the requests that have gone by.
package protocol RequestSource {
  /// The next request, or `nil` at the end.
  mutating func next() throws(WorkloadError) -> Request?
}

/// Requests that are at hand already.
package struct ListedRequests: RequestSource {
  private let requests: [Request]
  private var index = 0

  /// - Parameter requests: in order of arrival.
  package init(_ requests: [Request]) { self.requests = requests }

  package mutating func next() -> Request? {
    guard index < requests.count else { return nil }
    index += 1
    return requests[index - 1]
  }
}

extension RequestSource {
  /// Every request that is left, at most `limit`.
  package mutating func collect(limit: Int = .max) throws(WorkloadError) -> [Request] {
    var all: [Request] = []
    while all.count < limit, let request = try next() { all.append(request) }
    return all
  }
}
