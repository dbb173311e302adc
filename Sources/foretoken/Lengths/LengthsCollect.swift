import ArgumentParser
import Decoding
import FoundationEssentials
import Transformer
import Workload

/// Finds out how long a model's answers are: several draws for each prompt, as CASTILLO does.
struct LengthsCollect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect",
    abstract: "Let a model answer prompts several times, and write how long its answers are.",
    discussion: """
      Prompts are JSON lines as "report" takes them. Each gives a row of CASTILLO's schema \
      (arXiv 2505.16881): the lengths of its answers, their statistics, and how they were drawn. \
      The answers are drawn in batches, each prompt is read once for all of its answers, and the \
      target decodes alone: a batch fills its forwards. Which answer a seed gives depends on the \
      prompt, the model and the settings alone.

      Rows are kept in OUTPUT.partial as they come. Killed or ended by Ctrl-C, the same command goes \
      on where it was; OUTPUT is there when all rows are.

      With --endpoint the answers come from an OpenAI-compatible server (vLLM, llama.cpp, Ray Serve, \
      a cloud), which --model names the model to. Its key is read from the environment. Requests that \
      fail are tried again, later and later; a server may restart meanwhile.

      A length counts an answer's tokens without those that end it, and one more, as CASTILLO counts.

      Exit codes: 0 done; 64 usage; 65 bad prompts or model; 66 missing file; 74 input/output; \
      75 the endpoint does not answer; 77 it wants another key; 130 ended by Ctrl-C.
      """)

  @Argument(help: "JSONL files of prompts; - is stdin.", completion: .file())
  var prompts: [String]
  @Option(name: .shortAndLong, help: "The file of rows to write.", completion: .file())
  var output: String
  @OptionGroup(title: "Models") var models: ModelOptions
  @OptionGroup(title: "Endpoint") var endpoint: EndpointFlags
  @Option(
    help: ArgumentHelp(
      "What rows call the model. (default: its folder's name)", valueName: "model"))
  var name: String?

  @Option(help: "Answers to each prompt.") var draws = 10
  @Option(help: "Answers drawn at a time.") var batch = 32
  @Option(help: "Prompts taken of each file. (default: all)") var limit: Int?
  @Option(
    name: [.customLong("max-tokens"), .customShort("n")],
    help: "The most tokens of an answer. (default: what the context holds)")
  var maxTokens: Int?
  @Option(name: [.long, .customLong("temp")], help: "Higher is more varied.")
  var temperature = 1.0
  @Option(help: "Keep the k most likely tokens; 0 keeps all.") var topK = 50
  @Option(help: "Keep the most likely tokens that hold this much probability; 1 keeps all.")
  var topP = 1.0
  @Option(name: .shortAndLong, help: "Seed of the random numbers.") var seed: UInt64 = 1
  @Flag(help: "Give the model the prompts without its chat format.") var raw = false
  @Flag(help: "Keep the prompt, the longest and the shortest answer in the rows.") var text = false
  @Flag(help: "Write one array, the form of CASTILLO's own files, not a row a line.")
  var array = false
  @Option(
    help: ArgumentHelp(
      "Also write the target's hidden states, a file for each row, for \"lengths train --states\".",
      valueName: "folder"), completion: .directory)
  var states: String?
  @Option(help: "Tokens of an answer from one hidden state to the next.") var stateInterval = 32
  @OptionGroup var verbosity: VerbosityFlags

  func validate() throws {
    for (name, value) in [
      ("--draws", draws), ("--batch", batch), ("--max-tokens", maxTokens ?? 1),
      ("--state-interval", stateInterval),
    ] where value < 1 {
      throw ValidationError("\(name) takes 1 or more, not \(value)")
    }
    guard endpoint.endpoint != nil else { return }
    guard states == nil else {
      throw ValidationError("--states needs a model that runs here: endpoints keep theirs")
    }
    guard models.model != nil else {
      throw ValidationError("--endpoint needs --model: the name by which it knows the model")
    }
  }

  private static func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw CommandError(
        Failure.inputOutput, "\(path.printable): no folder can be made there: \(error)")
    }
  }

  var decoding: DecodingSettings {
    DecodingSettings(topK: topK, topP: topP, temperature: temperature)
  }

  /// A prompt on its way to a row.
  struct Question {
    var prompt: Prompt
    var sampleID: String
    /// Nil for an endpoint, which makes its own.
    var tokens: [TokenID]?
  }

  func run() throws {
    try Failure.reported {
      Interrupt.watch()
      let texts = try prompts.flatMap { try PromptFile.read(path: $0, limit: limit) }
      if let states { try Self.makeFolder(states) }
      let journal = try RowJournal(path: output)
      if let url = endpoint.endpoint {
        try collect(texts, from: url, into: journal)
      } else {
        try collect(texts, from: Pair(models, drafting: false, verbosity), into: journal)
      }
      guard !Interrupt.isRequested else {
        verbosity.say("ended; the same command goes on from \(output).partial")
        throw ExitCode(Interrupt.status)
      }
      let count = try journal.complete(array: array)
      verbosity.say("\(output): \(count) rows of \(draws) answers")
    }
  }

  /// What rows call the model.
  func recordedName(or usual: String) -> String {
    LengthRow.recordedName(ofModel: name ?? usual)
  }

  /// The prompts as questions to a model; of equal ones the first.
  ///
  /// - Parameter tokens: of a prompt; nil where it does not fit.
  func questions(
    _ prompts: [Prompt], to model: String, tokens: ((Prompt) throws -> [TokenID]?)? = nil
  ) throws -> [Question] {
    var seen: Set<String> = []
    var questions: [Question] = []
    var (long, again) = (0, 0)
    for prompt in prompts {
      var question = Question(
        prompt: prompt,
        sampleID: LengthRow.sampleID(
          model: model, dataset: prompt.set, decoding: decoding, prompt: prompt.text))
      if let tokens {
        question.tokens = try tokens(prompt)
        if question.tokens == nil {
          long += 1
          continue
        }
      }
      guard seen.insert(question.sampleID).inserted else {
        again += 1
        continue
      }
      questions.append(question)
    }
    if long > 0 { verbosity.say("\(long) prompts left out: they do not fit the model's context") }
    if again > 0 { verbosity.say("\(again) prompts left out: they are there already") }
    guard !questions.isEmpty else {
      throw CommandError(Failure.badData, "no prompt is left to ask")
    }
    return questions
  }

  /// How many of the questions the rows of an earlier run answer, one by one from the first on.
  func matched(_ rows: [LengthRow], _ questions: [Question]) throws -> Int {
    for (index, row) in rows.enumerated() {
      guard index < questions.count, row.sampleID == questions[index].sampleID,
        row.outputSizes.count == draws, (row.promptText != nil) == text
      else {
        throw CommandError(
          Failure.badData,
          "\(output.printable).partial:\(index + 1): is a row of other prompts or settings; go on "
            + "with those, or remove the file")
      }
    }
    if !rows.isEmpty { verbosity.say("\(rows.count) rows are there; going on") }
    return rows.count
  }
}
