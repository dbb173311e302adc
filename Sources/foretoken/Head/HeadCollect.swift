import ArgumentParser
import Decoding
import Transformer

/// Runs the pair over prompts and keeps what was known of each candidate, and what became of it.
struct HeadCollect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect",
    abstract: "Run the pair over prompts and write features and soft labels of every candidate.",
    discussion: """
      Each prompt is answered at each temperature with a fixed number of candidates a round, whose \
      verification labels those that are reached. The answer at temperature 1, which has the target's \
      own law, also serves for the teacher-forced samples of SpecDec++.
      """)

  @OptionGroup(title: "Models") var models: ModelOptions
  @Argument(help: "JSONL files of prompts.")
  var prompts: [String]
  @Option(name: .shortAndLong, help: "The file of samples to write.")
  var output = "head-samples.safetensors.zst"
  @Option(help: "Prompts taken of each file. (default: all)")
  var limit: Int?
  @Option(name: [.long, .customShort("n")], help: "The most tokens of an answer.")
  var maxTokens = 128
  @Option(help: "Candidates a round.")
  var draftTokens = 10
  @Option(help: "Temperatures at which to answer.")
  var temperature: [Double] = [1, 0]
  @Option(name: .shortAndLong, help: "Seed of the random numbers.")
  var seed: UInt64 = 1
  @OptionGroup var verbosity: VerbosityFlags

  func validate() throws {
    guard !prompts.isEmpty else { throw ValidationError("name at least one file of prompts") }
    guard (1...32).contains(draftTokens) else {
      throw ValidationError("--draft-tokens takes 1 to 32, not \(draftTokens)")
    }
    guard maxTokens > 0 else { throw ValidationError("--max-tokens takes 1 or more") }
  }

  func run() throws {
    try Failure.reported {
      Interrupt.watch()
      let rows = try prompts.flatMap { try PromptFile.read(path: $0, limit: limit) }
      let pair = try Pair(models, drafting: true, verbosity)
      guard let draft = pair.fittedDraft else {
        throw CommandError(Failure.usage, "there is no draft: name one with --draft-model")
      }
      try pair.requireSharedTokens(for: "heads")
      let bar = verbosity.quiet ? nil : ProgressBar(label: "collecting")
      defer { bar?.finish() }
      var file = HeadSampleFile()
      for (index, prompt) in rows.enumerated() where !Interrupt.isRequested {
        try collect(prompt.text, index, pair, draft, into: &file)
        bar?.update(done: index + 1, total: rows.count)
      }
      bar?.finish()
      file.provenance =
        "\(rows.count) prompts, temperatures \(temperature), \(draftTokens) candidates, "
        + "at most \(maxTokens) tokens, seed \(seed)"
      try file.write(to: output, threads: models.threads.count)
      print(
        "\(output): \(file.onPolicy.count) on-policy and \(file.teacherForced.count) "
          + "teacher-forced samples of \(rows.count) prompts")
      if Interrupt.isRequested { throw ExitCode(Interrupt.status) }
    }
  }

  private func collect(
    _ text: String, _ index: Int, _ pair: Pair, _ draft: any LanguageModel,
    into file: inout HeadSampleFile
  ) throws {
    let tokens = try pair.directory.tokens(prompt: text, raw: false)
    guard tokens.count + maxTokens <= pair.target.contextLength else { return }
    for temperature in temperature {
      let options = GenerationOptions(
        sampling: SamplingOptions(temperature: temperature, seed: seed), maxTokens: maxTokens,
        endOfSequence: pair.directory.endOfSequence, request: UInt64(index))
      let generation = try Generation(
        target: pair.target, prompt: tokens, options: options,
        drafter: ModelDrafter(model: draft), policy: SampleCollector(length: draftTokens))
      while generation.finishReason == nil { _ = try pair.decoder.round(generation) }
      let samples = (generation.policy as? SampleCollector)?.samples ?? []
      file.onPolicy += samples
      file.prompts += samples.map { _ in index }
      guard temperature == 1 else { continue }
      var chance: any ChanceSource = SeededChance(seed: seed &+ 1, request: UInt64(index))
      let forced = try TeacherForcing(target: pair.target, draft: draft).samples(
        prompt: tokens, answer: Array(generation.answer), chance: &chance)
      file.teacherForced += forced
      file.forcedPrompts += forced.map { _ in index }
    }
  }
}
