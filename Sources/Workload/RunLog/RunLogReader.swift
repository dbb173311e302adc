/// What a line of a log says.
package enum RunLogRecord: Equatable, Sendable {
  case run(RunLogHeader)
  case arrival(Request)
  case transition(SchedulerEvent)
  case steps(StepRun)
  case emission(Emission)
}

/// Reads the logs of runs, one after the other in one file, line by line.
package struct RunLogReader<Source: ByteSource> {
  private var lines: LineSplitter<Source>
  private let name: String
  private var places = [Range<Int>](repeating: 0..<0, count: Key.allCases.count)

  private enum Key: Int, CaseIterable {
    case event, t, request, input, output, client, `class`, priority, tokens, seconds, increment
    case count, prefills, prefillTokens, prefillContext, decodes, decodeContext, swapped, reused,
      drafted
    case accepted, waiting, blocks, requests, computed, emitted

    var name: String {
      switch self {
      case .prefillTokens: "prefill_tokens"
      case .prefillContext: "prefill_context"
      case .decodeContext: "decode_context"
      default: "\(self)"
      }
    }
  }

  private static var keys: [[UInt8]] { Key.allCases.map { Array($0.name.utf8) } }
  private let wanted = Self.keys
  private let kinds = Dictionary(
    uniqueKeysWithValues: SchedulerEvent.Kind.allCases.map { ($0.logName, $0) })

  /// - Parameter name: the file as the user named it, for errors.
  package init(_ source: Source, name: String) {
    self.name = name
    lines = LineSplitter(source, name: name)
  }

  /// The next line's record; `nil` at the end.
  package mutating func next() throws(WorkloadError) -> RunLogRecord? {
    repeat {
      guard try lines.advance() else { return nil }
    } while lines.range.isEmpty
    let bytes = lines.bytes
    let stop = JSONRow.scan(
      bytes.span.extracting(lines.range), wanted: wanted, places: &places)
    if let stop {
      throw wrong(nil, "not a JSON object: stopped making sense at byte \(stop + 1)")
    }
    let event = text(.event)
    switch event {
    case "run":
      do throws(JSONSyntaxError) {
        return .run(try RunLogHeader(parsing: Array(lines.bytes[lines.range])))
      } catch {
        throw wrong(nil, error.problem)
      }
    case "step": return .steps(try steps())
    case "tokens":
      return .emission(
        Emission(
          time: try time(.t), request: try whole(.request), tokens: try whole(.tokens, least: 1)))
    default:
      guard let kind = kinds[event] else {
        throw wrong(.event, "is no event of a run's log")
      }
      return kind == .arrived ? .arrival(try request()) : .transition(try transition(kind))
    }
  }

  private func request() throws(WorkloadError) -> Request {
    var request = Request(
      id: try whole(.request), arrival: try time(.t), inputLength: try whole(.input, least: 1),
      outputLength: try whole(.output, least: 1))
    request.client = try whole(.client)
    request.serviceClass = try whole(.class)
    request.priority = try whole(.priority, least: Int(Int32.min))
    return request
  }

  private func transition(_ kind: SchedulerEvent.Kind) throws(WorkloadError) -> SchedulerEvent {
    SchedulerEvent(
      time: try time(.t), kind: kind, request: try whole(.request), tokens: try whole(.tokens))
  }

  private func steps() throws(WorkloadError) -> StepRun {
    var shape = StepShape()
    shape.prefills = try whole(.prefills)
    shape.prefillTokens = try whole(.prefillTokens)
    shape.prefillContext = try whole(.prefillContext)
    shape.decodes = try whole(.decodes)
    shape.decodeContext = try whole(.decodeContext)
    shape.swappedTokens = try whole(.swapped)
    shape.reusedTokens = try whole(.reused)
    let row = SteppedRow(first: try time(.seconds), increment: try time(.increment))
    let count = has(.count) ? try whole(.count, least: 1, most: 1 << 32) : 1
    let start = try time(.t)
    // A sum beyond the clock's range must not trap.
    let seconds =
      Double(count) * (row.first.seconds + Double(count) * row.increment.seconds / 2)
    guard start.seconds + seconds < Time.longest.seconds else {
      throw wrong(.count, "the steps end more than 92 days after the start")
    }
    let blocks = try list(.blocks)
    guard blocks.count == 2 else { throw wrong(.blocks, "expected two numbers") }
    var run = StepRun(
      start: start, end: start + row.sum(count), first: row.first, increment: row.increment,
      count: count, shape: shape, drafted: try whole(.drafted), accepted: try whole(.accepted),
      blocksBefore: blocks[0], blocksAfter: blocks[1], waiting: try whole(.waiting))
    run.batch = try list(.requests).map { StepRun.Part(request: $0, tokens: 1, emitted: 1) }
    if has(.computed) {
      let (computed, emitted) = (try list(.computed), try list(.emitted))
      guard computed.count == run.batch.count, emitted.count == run.batch.count else {
        throw wrong(.computed, "expected as many numbers as requests, here and in \"emitted\"")
      }
      for index in run.batch.indices {
        run.batch[index].tokens = computed[index]
        run.batch[index].emitted = emitted[index]
      }
    }
    return run
  }

  // MARK: Fields

  private func absolute(_ key: Key) -> Range<Int> {
    let (place, base) = (places[key.rawValue], lines.range.lowerBound)
    return base + place.lowerBound..<base + place.upperBound
  }

  private func has(_ key: Key) -> Bool { !places[key.rawValue].isEmpty }

  private func text(_ key: Key) -> String {
    String(decoding: lines.bytes[absolute(key)], as: UTF8.self)
  }

  /// A whole number; zero where it is left out.
  private func whole(
    _ key: Key, least: Int = 0, most: Int = 1 << 48
  ) throws(WorkloadError) -> Int {
    guard has(key) else {
      if least > 0 { throw wrong(key, "is missing") }
      return 0
    }
    guard let value = FieldValues.integer(lines.bytes.span.extracting(absolute(key))),
      value >= least, value <= most
    else { throw wrong(key, "expected a whole number of \(least) to \(most)") }
    return value
  }

  private func time(_ key: Key) throws(WorkloadError) -> Time {
    guard has(key) else { return .zero }
    guard let value = FieldValues.decimal(lines.bytes.span.extracting(absolute(key))),
      value.whole >= 0, value.pico >= 0, value.whole < 8_000_000
    else { throw wrong(key, "expected seconds") }
    return Time(picoseconds: value.whole * 1_000_000_000_000 + value.pico)
  }

  private func list(_ key: Key) throws(WorkloadError) -> [Int] {
    var values: [UInt64] = []
    guard has(key), FieldValues.hashes(lines.bytes.span.extracting(absolute(key)), into: &values),
      values.allSatisfy({ $0 <= 1 << 48 })
    else { throw wrong(key, "expected a list of whole numbers") }
    return values.map { Int($0) }
  }

  private func wrong(_ key: Key?, _ problem: String) -> WorkloadError {
    let found = key.map { has($0) ? ", found '\(text($0).prefix(40))'" : "" } ?? ""
    return WorkloadError(
      .malformed, source: name, line: lines.number, column: key?.name,
      problem: problem + found, advice: "\"foretoken replay --log\" writes such a file")
  }
}
