import ArgumentParser
import FoundationEssentials
import Reporting
import Workload

/// Policies, predictors, loads and sizes of the cache against each other.
struct Study: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay traces under every policy, predictor, load and size of the cache of a file.",
    discussion: """
      The study file is JSON: traces, policies (sjf-work, or with an admission of its own \
      sjf-work+packing) and predictors (\(PredictorTable.names.joined(separator: ", "))), \
      and if you like loads, kv_blocks, speculation, seeds, engine, step_times, baseline. \
      Finished parts are kept in the output's folder, and a run that was ended goes on there. \
      With --shard i/n a machine runs one part of n into that folder; --merge makes the report \
      once all are there.
      """)

  @Argument(help: "The study.", completion: .file(extensions: ["json"]))
  var file: String
  @Option(name: .shortAndLong, help: "The folder for the journal and the report.")
  var output = "foretoken-study"
  @Option(help: "The folder that the traces' paths begin in; the study's own without.")
  var traces: String?
  @Option(help: "Run only part i of n.")
  var shard: String?
  @Flag(help: "Run nothing; make the report of what all shards have left.")
  var merge = false
  @Option(help: "How the table is printed: table, markdown, json, csv.")
  var print = TableFormat.table
  @OptionGroup var threads: ThreadCount

  func validate() throws {
    if let shard, StudyShard(shard) == nil {
      throw ValidationError("--shard takes i/n with 1 <= i <= n, not '\(shard)'")
    }
    if merge, shard != nil { throw ValidationError("--merge and --shard exclude each other") }
  }

  func run() throws {
    try Failure.reported {
      let study = try StudyFile.read(file)
      let slash = file.lastIndex(of: "/")
      let folder = traces.map { $0 + "/" } ?? slash.map { String(file[...$0]) } ?? ""
      var requests: [String: [Workload.Request]] = [:]
      for trace in study.traces {
        requests[trace.name] = try study.requests(trace, folder: folder)
      }
      let fingerprint = try StudyJournal.fingerprint(study, requests)
      let files = try ReportFiles(folder: output)
      if !merge {
        guard try complete(study, requests, fingerprint) else {
          StandardError.write(
            "ended; the scenes that were done are kept in \(output.printable), and the same command "
              + "goes on from there\n")
          throw ExitCode(Interrupt.status)
        }
      }
      if shard != nil { return }
      let results = try StudyJournal.read(folder: output, fingerprint: fingerprint)
      let scenes = study.scenes()
      let missing = scenes.count { results[$0] == nil }
      guard missing == 0 else {
        throw CommandError(
          Failure.missingInput,
          "\(output.printable): \(missing) of \(scenes.count) scenes are not there; have all "
            + "shards ended?")
      }
      let summary = try StudySummary(study, scenes.compactMap { results[$0] })
      let tables = StudyTables(study: study, summary: summary)
      let json = tables.whole.json
      try files.write("study.json", json)
      try files.write("study.csv", tables.whole.csv)
      try files.write(
        "study.html",
        StudyPage(study: study, summary: summary, traces: requests).page(data: json).html)
      if let chart = StudyCharts(tables: tables).overview() {
        try files.write("study.svg", chart.svgFile())
      }
      Swift.print(print.render(tables.sections), terminator: "")
    }
  }

  /// Runs what is still to be run of this shard.
  private func complete(
    _ study: StudyFile, _ requests: [String: [Workload.Request]], _ fingerprint: String
  ) throws -> Bool {
    let part = shard.flatMap { StudyShard($0) }
    let journal = try LineJournal(path: output + "/" + StudyJournal.name(part))
    let there = try StudyJournal.read(folder: output, fingerprint: fingerprint)
    let mine = study.scenes().enumerated().filter { part?.holds($0.offset) ?? true }
    let left = mine.map(\.element).filter { there[$0] == nil }
    Interrupt.watch()
    Interrupt.endAfterRound()
    let runner = StudyRunner(
      study: study, fingerprint: fingerprint, traces: requests, journal: journal,
      threads: threads.count)
    return try runner.run(left, done: mine.count - left.count, total: mine.count)
  }
}
