import Endpoint
import Workload

extension LengthsCollect {
  /// Collects the answers of a model behind an endpoint.
  ///
  /// A few prompts are on their way at once; rows are written in the order of the prompts, so what a
  /// kill takes away is asked again and never doubled.
  func collect(_ prompts: [Prompt], from url: String, into journal: RowJournal) throws {
    let model = models.model ?? ""
    let questions = try questions(prompts, to: recordedName(or: model))
    let known = try matched(journal.rows, questions)
    let authorization = try endpoint.authorization
    let queue = try RequestQueue(endpoint.settings)
    let bar = verbosity.quiet ? nil : ProgressBar(label: "collecting", unit: .items("prompts"))
    defer { bar?.finish() }
    StandardOutput.ignoreBrokenPipes()
    Interrupt.endAfterRound()

    /// A request for some of a prompt's answers.
    struct Asked {
      var question: Int
      var first: Int
      var count: Int
    }
    var asked: [Int: Asked] = [:]
    var nextID = 0
    func ask(_ request: Asked) throws {
      let completion = completionRequest(
        model, questions[request.question], first: request.first, count: request.count)
      let url = completion.url(base: url)
      queue.add(
        HTTPRequest(
          url: url, headers: authorization, body: try completion.body(url: url),
          timeout: endpoint.timeout), id: nextID)
      asked[nextID] = request
      nextID += 1
    }

    var gathered: [Int: EndpointAnswers] = [:]
    var (next, finished) = (known, known)
    while finished < questions.count, !Interrupt.isRequested {
      while next < questions.count, next - finished < 2 * endpoint.concurrency {
        gathered[next] = EndpointAnswers(draws: draws)
        for first in stride(from: 0, to: draws, by: endpoint.choices) {
          try ask(
            Asked(question: next, first: first, count: min(endpoint.choices, draws - first)))
        }
        next += 1
      }
      let answered = try queue.next(
        isStopped: { Interrupt.isRequested },
        decode: { response throws(EndpointError) in
          try Completion(body: response.body, url: url)
        })
      guard let answered, let request = asked.removeValue(forKey: answered.id) else { break }
      let choices = answered.value.choices.prefix(request.count)
      gathered[request.question]?.add(
        choices.map { choice in
          // CASTILLO counts tokens without those that end an answer, and one more.
          let isEndCounted = choice.isEnded && !endpoint.endUncounted
          return Response(
            length: max(1, choice.tokens + (isEndCounted ? 0 : 1)),
            text: text ? choice.text : nil)
        }, at: request.first, promptTokens: answered.value.promptTokens,
        seconds: answered.response.seconds)
      // Some servers give fewer answers than they are asked for.
      if choices.count < request.count {
        try ask(
          Asked(
            question: request.question, first: request.first + choices.count,
            count: request.count - choices.count))
      }
      while let done = gathered[finished], let responses = done.responses {
        let prompt = questions[finished].prompt
        try journal.append(
          LengthRow(
            model: recordedName(or: model), dataset: prompt.set, prompt: prompt.text,
            inputSize: max(1, done.promptTokens), responses: responses, decoding: decoding,
            generationTime: done.seconds, keepsText: text))
        gathered[finished] = nil
        finished += 1
        bar?.update(done: finished, total: questions.count)
      }
    }
    if queue.retryCount > 0 { verbosity.say("\(queue.retryCount) requests were tried again") }
  }

  private func completionRequest(
    _ model: String, _ question: Question, first: Int, count: Int
  ) -> CompletionRequest {
    // 64 bits of a digest of the prompt, the model and the settings; servers take 31.
    let identifier = UInt64(question.sampleID, radix: 16) ?? 0
    let drawn = (identifier ^ (seed &* 0x9E37_79B9_7F4A_7C15)) &+ UInt64(first)
    return CompletionRequest(
      model: model, prompt: raw ? .raw(question.prompt.text) : .chat(question.prompt.text),
      temperature: temperature, topP: topP, topK: topK > 0 ? topK : nil, maxTokens: maxTokens,
      seed: endpoint.noSeed ? nil : Int(drawn & 0x7FFF_FFFF), choices: count)
  }
}

/// What has come of the answers to one prompt.
private struct EndpointAnswers {
  private var slots: [Response?]
  private(set) var promptTokens = 0
  private var begin: ContinuousClock.Instant?
  private var end = ContinuousClock.now

  init(draws: Int) { slots = Array(repeating: nil, count: draws) }

  mutating func add(_ responses: [Response], at first: Int, promptTokens: Int, seconds: Double) {
    for (index, response) in responses.enumerated() { slots[first + index] = response }
    self.promptTokens = promptTokens
    end = .now
    let start = end.advanced(by: .seconds(-seconds))
    begin = begin.map { min($0, start) } ?? start
  }

  /// Nil until all are there.
  var responses: [Response]? {
    let known = slots.compactMap(\.self)
    return known.count == slots.count ? known : nil
  }

  /// From the first request's start to the last answer.
  var seconds: Double { begin.map { (end - $0) / .seconds(1) } ?? 0 }
}
