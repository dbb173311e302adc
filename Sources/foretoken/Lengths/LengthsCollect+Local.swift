import Decoding
import Transformer
import Workload

extension LengthsCollect {
  /// Collects the answers of a model that runs here.
  func collect(_ prompts: [Prompt], from pair: Pair, into journal: RowJournal) throws {
    let model = recordedName(
      or: pair.directory.path.split(separator: "/").last.map(String.init) ?? "")
    let all = try questions(prompts, to: model) { prompt in
      let tokens = try pair.directory.tokens(prompt: prompt.text, raw: raw)
      return tokens.isEmpty || tokens.count >= pair.target.contextLength ? nil : tokens
    }
    let known = try matched(journal.rows, all)
    Interrupt.endAfterRound()
    let questions = Array(all[known...])
    let bar = verbosity.quiet ? nil : ProgressBar(label: "collecting", unit: .items("prompts"))
    defer { bar?.finish() }
    let ends = pair.directory.endOfSequence
    let sampling = SamplingOptions(temperature: temperature, topK: topK, topP: topP, seed: seed)
    let answers = BatchedAnswers(decoder: pair.decoder, draws: draws, width: batch) { index, draw in
      // The identifier is 64 bits of a digest of the prompt, the model and the settings.
      let identifier = UInt64(questions[index].sampleID, radix: 16) ?? 0
      return GenerationOptions(
        sampling: sampling, maxTokens: maxTokens ?? pair.target.contextLength,
        endOfSequence: ends, request: identifier &+ UInt64(draw),
        stateInterval: states == nil ? nil : stateInterval)
    }
    try answers.run(questions.map { $0.tokens ?? [] }, isStopped: { Interrupt.isRequested }) {
      index, drawn in
      let question = questions[index]
      let responses = drawn.answers.map { tokens in
        Response(
          length: tokens.count { !ends.contains($0) } + 1,
          text: text ? pair.directory.tokenizer.decode(tokens, skipSpecialTokens: true) : nil)
      }
      // Before the row: who finds a row finds its states.
      if let states {
        try AnswerStateFile(answers: drawn.states).write(
          to: "\(states)/\(question.sampleID).safetensors.zst")
      }
      try journal.append(
        LengthRow(
          model: model, dataset: question.prompt.set, prompt: question.prompt.text,
          inputSize: question.tokens?.count ?? 0, responses: responses, decoding: decoding,
          generationTime: drawn.seconds, keepsText: text))
      bar?.update(done: known + index + 1, total: all.count)
    }
  }
}
