import ArgumentParser
import Decoding
import FoundationEssentials
import Reporting
import Transformer

/// `foretoken report`: what each policy gains, on a person's own prompts.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how much each drafting policy speeds up prompts, with confidence intervals.",
    discussion: """
      Prompts are JSON lines: rows of Alpaca (instruction, input), GSM8K (question) and HumanEval \
      (prompt, entry_point) as they are, or a "prompt" or "text"; also .zst. Every policy answers \
      every prompt, interleaved and in random order, plain decoding among them. Tables go to \
      stdout; --output writes report.html (one page with pictures), report.json, report.csv and \
      rounds.jsonl.zst, from which --from-log makes all of it again.

      Policies; +lookup behind one lets repeated text propose first:
      \(PolicyChoice.help)

      Exit codes: 0 done; 64 usage; 65 bad input or model; 66 missing file; 70 texts that had to be \
      the same were not; 74 input/output; 130 ended by Ctrl-C, with what there was.
      """)

  @Argument(help: ArgumentHelp("Files with prompts.", valueName: "file"))
  var files: [String] = []
  @Option(help: "Take the first prompts of each file only. (default: all)")
  var limit: Int?
  @Flag(
    help: """
      A first look in under two minutes: a few prompts (our own, without files), few policies, \
      short answers, and a page in foretoken-report.
      """)
  var quick = false
  @Option(help: "Begin no run after so many seconds; prompts not finished by all are left out.")
  var timeLimit: Double?

  @Option(help: "What stdout gets.")
  var format = TableFormat.table
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A folder for the page, the data and the log.", valueName: "dir"))
  var output: String?
  @Option(help: ArgumentHelp("Report on the runs of a log; runs no model.", valueName: "file"))
  var fromLog: String?
  @Option(
    help: ArgumentHelp(
      "Report the target's perplexity on a text, or on the texts of a .jsonl, instead: with the "
        + "weights as stored, q8 and q4, or as --dtype.", valueName: "file"))
  var perplexity: [String] = []
  @Option(
    help: "Tokens that --perplexity reads at a time. (default: the context, up to 1024)")
  var window: Int?
  @OptionGroup var verbosity: VerbosityFlags

  @OptionGroup(title: "What is compared") var comparison: ComparisonFlags
  @OptionGroup(title: "Models") var model: ModelOptions
  @Option(
    help: ArgumentHelp(
      "Trained heads. (default: \(Head.fileName) in the draft's folder, if it is there)",
      valueName: "file"))
  var heads: String?

  @Option(
    help: ArgumentHelp(
      "What steps cost, from \"foretoken calibrate\". (default: what it keeps, or measured)",
      valueName: "file"))
  var calibration: String?

  func validate() throws {
    if !perplexity.isEmpty {
      guard files.isEmpty, !quick, fromLog == nil, output == nil else {
        throw ValidationError("--perplexity takes no prompts, --quick, --from-log or --output")
      }
      guard window ?? 2 > 1 else { throw ValidationError("--window takes 2 or more") }
      guard limit ?? 1 > 0 else { throw ValidationError("--limit takes 1 or more") }
      return
    }
    guard window == nil else { throw ValidationError("--window goes with --perplexity") }
    if fromLog != nil, !files.isEmpty || quick {
      throw ValidationError("--from-log takes neither prompts nor --quick")
    }
    if fromLog == nil, files.isEmpty, !quick {
      throw ValidationError("name files with prompts, or take a first look with --quick")
    }
    guard limit ?? 1 > 0 else { throw ValidationError("--limit takes 1 or more") }
    guard timeLimit ?? 1 > 0 else { throw ValidationError("--time-limit takes more than 0") }
  }

  func run() throws {
    try Failure.reported {
      StandardOutput.ignoreBrokenPipes()
      Interrupt.watch()
      if !perplexity.isEmpty {
        var report = try PerplexityReport(
          perplexity, limit: limit, window: window, model: model, verbosity)
        let types: [WeightType?] = model.dtype.map { [$0] } ?? [nil, .q8, .q4]
        try report.measure(types, threads: model.threads.count)
        try StandardOutput.write(format.render([(report.title, "perplexity", report.table)]))
      } else if let fromLog {
        var fold: ReportFold?
        try ReportLog.read(path: fromLog) { header in
          var header = header
          if let against = comparison.against { header.settings.reference = against.description }
          fold = ReportFold(header)
        } each: { run in
          fold?.add(run)
        }
        if let fold { try publish(fold, to: output.map(ReportFiles.init(folder:))) }
      } else {
        try measure()
      }
    }
  }

  /// Runs everything and reports on it.
  private func measure() throws {
    let folder = output ?? (quick ? "foretoken-report" : nil)
    // What the person gave is checked before anything large is read.
    let policies = try comparison.policies(
      isQuick: quick, hasHead: heads != nil || model.usualHeads != nil)
    let settings = try comparison.settings(isQuick: quick)
    var prompts = files.isEmpty ? BuiltInPrompts.all : []
    for file in files {
      prompts += try PromptFile.read(path: file, limit: limit ?? (quick ? 3 : nil))
    }
    let files = try folder.map(ReportFiles.init(folder:))

    let pair = try ReportPair(
      model, policies: policies, heads: heads, randomDraft: comparison.randomDraft, verbosity)
    let questions = try pair.tokens(prompts, settings)
    let costs = try pair.costs(policies, file: calibration)
    let header = ReportHeader(
      toolVersion: Foretoken.configuration.version, started: Date.now.formatted(.iso8601),
      machine: MachineFacts(threads: model.threads.count), target: try pair.targetFacts(),
      draft: try pair.draftFacts(), settings: settings, policies: policies.map(\.description),
      prompts: questions.map(\.prompt), costs: costs)

    let log = try files?.log()
    try log?.append(ReportLog.firstLine(header))
    var fold = ReportFold(header)
    let total = questions.count * policies.count * settings.runsPerPrompt
    let bar = verbosity.quiet ? nil : ProgressBar(label: "answering", unit: .items("answers"))
    let end = (timeLimit ?? (quick ? 90 : nil)).map { ContinuousClock.now + .seconds($0) }
    Interrupt.endAfterRound()
    let runner = ReportRunner(
      header, prompts: questions.map(\.tokens), policies: policies, target: pair.target,
      drafter: pair.drafter, endOfSequence: pair.endOfSequence,
      resources: PolicyResources(costs: costs, trained: pair.heads))
    let isComplete = try runner.run {
      Interrupt.isRequested || end.map { ContinuousClock.now > $0 } ?? false
    } record: { run in
      try log?.append(ReportLog.encode(run))
      fold.add(run)
      bar?.update(done: fold.runs.count, total: total)
    }
    bar?.finish()
    try log?.complete()
    if !isComplete { verbosity.say("stopped after \(fold.runs.count) of \(total) answers") }
    try publish(fold, to: files)
    if Interrupt.isRequested { throw ExitCode(Interrupt.status) }
  }

  /// Prints and writes what the runs add up to.
  private func publish(_ fold: ReportFold, to files: ReportFiles?) throws {
    let summary = fold.summary()
    let tables = ReportTables(header: fold.header, summary: summary)
    switch format {
    case .table: try StandardOutput.write(tables.text)
    case .markdown: try StandardOutput.write(tables.markdown)
    case .csv: try StandardOutput.write(tables.everything.csv)
    case .json: try StandardOutput.write(tables.everything.json)
    }
    if let files {
      try files.write(fold.header, summary)
      verbosity.say("report: \(files.folder)/report.html")
    }
    guard summary.identity.different == 0 else {
      throw CommandError(Failure.internalError, tables.identity)
    }
  }
}
