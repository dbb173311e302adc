package import Endpoint

/// An OpenAI-compatible server as a load generator asks it.
package struct EndpointServer: Sendable {
  /// Up to and with `/v1`.
  package var url: String
  package var model: String
  package var headers: [String]
  /// Prompts are a user's turn, not a text to go on with.
  package var isChat: Bool
  /// Seconds from start to end of a request.
  package var timeout: Double
  package var retries: RetryPolicy
  package var prompts: SyntheticPrompts
  /// The most tokens of answers that end where the model ends them; nil where they are to be as long
  /// as the trace's.
  package let answerLimit: Int?
  /// Whether it is told to go on past the end of an answer.
  package private(set) var ignoresEnd: Bool

  package init(
    url: String, model: String, headers: [String] = [], isChat: Bool = false,
    timeout: Double = 600, retries: RetryPolicy = RetryPolicy(),
    prompts: SyntheticPrompts = SyntheticPrompts(), answerLimit: Int? = nil
  ) {
    self.url = url
    self.model = model
    self.headers = headers
    self.isChat = isChat
    self.timeout = timeout
    self.retries = retries
    self.prompts = prompts
    self.answerLimit = answerLimit
    ignoresEnd = answerLimit == nil
  }

  /// A request for a greedy answer of so many tokens.
  func request(
    _ text: String, tokens: Int, priority: Int?, isStreamed: Bool
  ) throws(EndpointError) -> HTTPRequest {
    var completion = CompletionRequest(
      model: model, prompt: isChat ? .chat(text) : .raw(text), temperature: 0, topP: 1,
      maxTokens: tokens, isStreamed: isStreamed)
    completion.priority = priority
    completion.ignoresEnd = ignoresEnd
    let url = completion.url(base: url)
    return HTTPRequest(
      url: url, headers: headers, body: try completion.body(url: url), timeout: timeout)
  }

  /// Asks for a token or two before the clock starts: whether key, model and fields are right, and how
  /// many tokens words have.
  ///
  /// - Parameter sendsPriorities: whether requests will have priorities.
  /// - Returns: what a person should know of the server.
  /// - Throws: `EndpointError` for a server that is not there or refuses what the run will ask.
  package mutating func probe(
    sendsPriorities: Bool, isStopped: () -> Bool
  ) throws(EndpointError) -> [String] {
    var remarks: [String] = []
    let (few, many) = (16, 256)
    let priority = sendsPriorities ? 1 : nil
    var short = try asked(words: few, priority, isStopped)
    if case .failure = short, ignoresEnd {
      ignoresEnd = false
      short = try asked(words: few, priority, isStopped)
      if case .success = short {
        remarks.append("the server refuses ignore_eos: answers may be shorter than the trace's")
      }
    }
    if case .failure(let refusal) = short, sendsPriorities,
      case .success = try asked(words: few, nil, isStopped)
    {
      throw EndpointError(
        .rejected, url: url, problem: "takes no priorities: \(refusal.problem)",
        advice: "vLLM does with --scheduling-policy priority; --client-order orders here")
    }
    if let short = try short.get(), let long = try ask(words: many, priority, isStopped),
      prompts.calibrate(short: (few, short), long: (many, long))
    {
      return remarks
    }
    return remarks + ["the server counts no tokens of prompts: a word is taken for one"]
  }

  /// As `ask`; a failure is a refusal of such a request.
  private func asked(
    words: Int, _ priority: Int?, _ isStopped: () -> Bool
  ) throws(EndpointError) -> Result<Int?, EndpointError> {
    do throws(EndpointError) {
      return .success(try ask(words: words, priority, isStopped))
    } catch {
      guard error.code == .rejected else { throw error }
      return .failure(error)
    }
  }

  /// - Returns: tokens of the prompt; nil where the server does not say.
  private func ask(
    words: Int, _ priority: Int?, _ isStopped: () -> Bool
  ) throws(EndpointError) -> Int? {
    var settings = RequestQueue.Settings()
    settings.retries = retries
    settings.retries.attempts = min(retries.attempts, 3)
    let queue = try RequestQueue(settings)
    let request = try request(
      prompts.probe(words: words), tokens: 1, priority: priority, isStreamed: false)
    queue.add(request, id: 0)
    let answered = try queue.next(
      isStopped: isStopped,
      decode: { response throws(EndpointError) -> Int? in
        do throws(EndpointError) {
          return try Completion(body: response.body, url: request.url).promptTokens
        } catch {
          guard error.code == .malformed else { throw error }
          return nil
        }
      })
    return answered?.value
  }
}
