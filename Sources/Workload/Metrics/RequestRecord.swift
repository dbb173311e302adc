/// One request from arrival to end: all that the metrics of a run need of it.
package struct RequestRecord: Equatable, Sendable {
  package enum Ending: UInt8, Sendable {
    case underWay, finished, rejected, cancelled
  }

  package var arrival: Time
  /// When it first ran, its first token came, its last token came; `never` if that did not happen.
  package var admitted = Time.never
  package var firstToken = Time.never
  package var end = Time.never
  package var inputLength: Int32
  package var outputLength: Int32
  package var client: Int32
  package var serviceClass: Int32
  package var preemptions: Int32 = 0
  /// Tokens whose work was lost to preemptions.
  package var wasted: Int32 = 0
  package var ending = Ending.underWay

  package init(_ request: Request) {
    arrival = request.arrival
    inputLength = Int32(clamping: request.inputLength)
    outputLength = Int32(clamping: request.outputLength)
    client = Int32(clamping: request.client)
    serviceClass = Int32(clamping: request.serviceClass)
  }

  /// From arrival to when it first ran, seconds.
  package var wait: Double { (admitted - arrival).seconds }
  /// From arrival to the first token, the queue included.
  package var timeToFirstToken: Double { (firstToken - arrival).seconds }
  /// From arrival to the last token.
  package var latency: Double { (end - arrival).seconds }
  /// Mean time between tokens after the first; not a number for answers of one token.
  package var timePerToken: Double {
    outputLength > 1 ? (end - firstToken).seconds / Double(outputLength - 1) : .nan
  }
  /// Latency by output token.
  package var normalisedLatency: Double { latency / Double(outputLength) }
}
