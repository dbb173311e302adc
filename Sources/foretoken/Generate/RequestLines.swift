import Decoding
import Transformer

/// `--jsonl`: a request object a line from stdin, answered in their order; events to stdout, an
/// object a line, as they come.
///
/// A request gives `text` events, whose texts add up to the answer, and a `result` with all of it
/// (`AnswerObject`); or one `error`. `line` and `id` say whose event it is. With `--json` there are
/// no `text` events.
struct RequestLines {
  private let engine: SpeculativeEngine
  private let flags: Generate
  /// A request without a seed gets this one and its line number, less 1.
  private let firstSeed: UInt64
  private var keysTold: Set<String> = []
  private(set) var summary: Summary

  init(_ engine: SpeculativeEngine, _ flags: Generate) {
    self.engine = engine
    self.flags = flags
    firstSeed = flags.sampling.seed ?? SamplingFlags.randomSeed
    summary = Summary(engine)
  }

  /// Answers until the input ends or Ctrl-C.
  ///
  /// - Throws: `CommandError` at the end when there was no request or some could not be answered;
  ///   before the end only for input that cannot be read and output that cannot be written.
  mutating func run() throws {
    let input = ByteSource()
    var (number, requests, failures) = (0, 0, 0)
    while !Interrupt.isRequested {
      number += 1
      var name: RequestLine.Name?
      do {
        guard let bytes = try input.line() else { break }
        if bytes.allSatisfy({ " \t\r".utf8.contains($0) }) { continue }
        requests += 1
        let line = try RequestLine(bytes)
        name = line.name
        try answer(line, number: number)
      } catch {
        guard let failure = Failure.explained(error), failure.status != Failure.inputOutput else {
          throw error
        }
        failures += 1
        try write("error", number, name, ErrorBody(failure))
      }
    }
    if Interrupt.isRequested { return }
    guard requests > 0 else {
      throw CommandError(Failure.badData, "stdin: holds no request")
    }
    guard failures == 0 else {
      throw CommandError(
        Failure.badData, "stdin: \(failures) of \(requests) requests failed; see their errors")
    }
  }

  private mutating func answer(_ line: RequestLine, number: Int) throws {
    let seed = firstSeed &+ UInt64(number - 1)
    let request = try line.request(flags, seed: seed, engine.pair.directory) { key in
      if keysTold.insert(key).inserted {
        flags.output.say("line \(number): the key \"\(key.printable)\" is unknown and ignored")
      }
    }
    let answer = try engine.answer(request) { pieces in
      let text = Painter().paint(pieces)
      if !flags.output.json, !text.isEmpty {
        try write("text", number, line.name, TextBody(text: text))
      }
    }
    summary.add(answer, plainSeconds: engine.plainSeconds(answer))
    try write("result", number, line.name, AnswerObject(answer, request, engine))
  }

  private func write(
    _ event: String, _ line: Int, _ id: RequestLine.Name?, _ body: some Encodable
  ) throws {
    try StandardOutput.write(Event(event: event, line: line, id: id, body: body).jsonLine())
  }
}

// MARK: - Events

/// What every event says, and beside it what its kind says.
private struct Event<Body: Encodable>: Encodable {
  var event: String
  var line: Int
  var id: RequestLine.Name?
  var body: Body

  private enum Keys: String, CodingKey { case event, line, id }

  func encode(to encoder: any Encoder) throws {
    try body.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(event, forKey: .event)
    try container.encode(line, forKey: .line)
    try container.encodeIfPresent(id, forKey: .id)
  }
}

private struct TextBody: Encodable {
  var text: String
}

private struct ErrorBody: Encodable {
  struct Content: Encodable {
    /// The status that a command with this request alone would have.
    var code: Int32
    var message: String
  }
  var error: Content

  init(_ failure: CommandError) {
    error = Content(code: failure.status, message: failure.description)
  }
}
