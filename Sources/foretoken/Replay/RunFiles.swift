import ArgumentParser
import Transformer
import Workload

/// What is kept of runs beside their metrics, run after run in the same files.
final class RunFiles {
  private let log: LineFile?
  private let trace: LineFile?
  private var failure: ModelError?

  /// - Throws: `ModelError` for a file that cannot be made.
  init(log: String?, chromeTrace: String?) throws(ModelError) {
    self.log = if let log { try LineFile(path: log) } else { nil }
    trace = if let chromeTrace { try LineFile(path: chromeTrace) } else { nil }
  }

  /// Metrics, and whatever is wanted beside them.
  func observer(_ header: RunLogHeader) -> RunObserver {
    RunObserver(
      log: log.map { file in RunLogWriter(header) { [self] in keep($0, file) } },
      trace: trace.map { file in ChromeTrace { [self] in keep($0, file) } })
  }

  /// Observers do not fail: the first failure is thrown at the end.
  private func keep(_ line: String, _ file: LineFile) {
    guard failure == nil else { return }
    do throws(ModelError) { try file.append(line) } catch { failure = error }
  }

  /// Gives the files their names.
  func complete() throws(ModelError) {
    if let failure { throw failure }
    try log?.complete()
    try trace?.complete()
  }
}

/// The metrics of a run, its log and its trace for viewers.
struct RunObserver: SimulationObserver {
  var metrics = ServiceMetrics()
  var log: RunLogWriter?
  var trace: ChromeTrace?
  /// Told how many requests are done.
  var progress: ((Int) -> Void)?
  private var done = 0

  init(log: RunLogWriter?, trace: ChromeTrace?) {
    self.log = log
    self.trace = trace
  }

  var wantsBatches: Bool { log != nil }

  mutating func arrived(_ request: Workload.Request) {
    metrics.arrived(request)
    log?.arrived(request)
  }

  mutating func observe(_ event: SchedulerEvent) {
    metrics.observe(event)
    log?.observe(event)
    trace?.observe(event)
    if [.finished, .rejected, .cancelled].contains(event.kind) {
      done += 1
      progress?(done)
    }
  }

  mutating func observe(_ run: StepRun) {
    metrics.observe(run)
    log?.observe(run)
    trace?.observe(run)
  }

  mutating func observe(_ emission: Emission) { log?.observe(emission) }

  mutating func observe(gap: Time, increment: Time, steps: Int, weight: Int) {
    metrics.observe(gap: gap, increment: increment, steps: steps, weight: weight)
  }
}

/// Lines in a file: compressed where its name ends in `.zst`.
final class LineFile {
  private enum Target {
    case compressed(LineWriter)
    case plain(OutputFile)
  }

  private let target: Target
  private var pending: [UInt8] = []

  init(path: String) throws(ModelError) {
    target =
      path.hasSuffix(".zst")
      ? .compressed(try LineWriter(path: path)) : .plain(try OutputFile(path: path))
  }

  func append(_ line: String) throws(ModelError) {
    switch target {
    case .compressed(let writer): try writer.append(line.utf8)
    case .plain(let file):
      pending += line.utf8
      pending.append(UInt8(ascii: "\n"))
      if pending.count >= 1 << 20 { try flush(file) }
    }
  }

  func complete() throws(ModelError) {
    switch target {
    case .compressed(let writer): try writer.complete()
    case .plain(let file):
      try flush(file)
      try file.complete()
    }
  }

  private func flush(_ file: OutputFile) throws(ModelError) {
    try file.append(pending)
    pending.removeAll(keepingCapacity: true)
  }
}
