/// What the scheduler knows about a request that has come and is not done.
///
/// It never holds the true length of the answer: a policy that is to know it gets an exact
/// prediction.
package struct RequestState: Equatable, Sendable {
  package let id: Int
  package let arrival: Time
  package let inputLength: Int
  /// The most tokens that the answer may have.
  package let outputLimit: Int
  package let priority: Int
  package let client: Int
  package let serviceClass: Int
  package var prediction: LengthPrediction?

  /// Tokens of the answer that are out.
  package var generated = 0
  /// Tokens whose keys and values are in the cache (or swapped out).
  package var computed = 0
  /// Blocks of the cache that it holds.
  package var blocks = 0
  package var preemptions = 0
  /// Whether its keys and values wait outside the accelerator's memory.
  package var isSwappedOut = false
  package var isRunning = false
  /// When it last joined the waiting queue.
  package var waitingSince: Time
  /// When it last left it, and how much it had generated then.
  package var runningSince: Time
  package var generatedBefore = 0

  package init(
    _ request: Request, outputLimit: Int, prediction: LengthPrediction?, at now: Time
  ) {
    id = request.id
    arrival = request.arrival
    inputLength = request.inputLength
    self.outputLimit = request.outputLimit ?? outputLimit
    priority = request.priority
    client = request.client
    serviceClass = request.serviceClass
    self.prediction = prediction
    waitingSince = now
    runningSince = now
  }

  /// Tokens that are known: the prompt and what has been generated.
  package var known: Int { inputLength + generated }
  /// Tokens that the next step would compute if nothing limited it; 1 in steady decoding.
  package var uncomputed: Int { known - computed }
}
