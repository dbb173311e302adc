import ArgumentParser
import Decoding
import Transformer

/// A chat on a terminal: a line is a turn, and what was said before is remembered as far as the
/// context reaches.
struct Conversation {
  private let engine: SpeculativeEngine
  private let flags: Generate
  private let painter: Painter
  private let firstSeed: UInt64
  private let input = ByteSource()
  private var messages: [ChatMessage] = []

  init(_ engine: SpeculativeEngine, _ flags: Generate, _ painter: Painter) {
    self.engine = engine
    self.flags = flags
    self.painter = painter
    firstSeed = flags.seedOrRandom()
  }

  /// Answers turn by turn until Ctrl-D, or two Ctrl-C where a turn is awaited.
  mutating func run() throws {
    // A model without a chat format is told about before the person has typed anything.
    _ = try engine.pair.directory.tokens(messages: [ChatMessage(role: .user, content: "")])
    flags.output.say("One line is one turn. Ctrl-C stops an answer, Ctrl-D ends.")
    var isLeaving = false
    var turn: UInt64 = 0
    while true {
      StandardError.write("> ")
      guard let bytes = try input.line() else {
        StandardError.write("\n")
        guard Interrupt.isRequested else { return }
        if isLeaving { throw ExitCode(Interrupt.status) }
        isLeaving = true
        Interrupt.reset()
        flags.output.say("Ctrl-C again or Ctrl-D ends.")
        continue
      }
      isLeaving = false
      do {
        let text = try String(checking: bytes, from: "the line")
        guard text.contains(where: { !$0.isWhitespace }) else { continue }
        try answer(text, seed: firstSeed &+ turn)
        turn += 1
      } catch {
        guard let failure = Failure.explained(error), failure.status == Failure.badData else {
          throw error
        }
        StandardError.write("\(failure.description.printable)\n")
      }
      Interrupt.reset()
    }
  }

  private mutating func answer(_ text: String, seed: UInt64) throws {
    messages.append(ChatMessage(role: .user, content: text))
    do {
      let request = flags.request(prompt: try fittedPrompt(), seed: seed, engine.pair.directory)
      let answer = try engine.answer(request) { try StandardOutput.write(painter.paint($0)) }
      try StandardOutput.write("\n")
      messages.append(ChatMessage(role: .assistant, content: answer.text))
      if flags.output.stats { flags.output.say(Summary(engine, [answer])) }
    } catch {
      messages.removeLast()
      throw error
    }
  }

  /// The conversation's tokens, without the oldest turns where they and an answer do not fit.
  private mutating func fittedPrompt() throws -> [TokenID] {
    let context = engine.pair.target.contextLength
    let room = min(flags.sampling.maxTokens, context / 2)
    var forgotten = 0
    var tokens = try engine.pair.directory.tokens(messages: messages)
    while tokens.count + room > context, messages.count > 1 {
      messages.removeFirst(2)
      forgotten += 1
      tokens = try engine.pair.directory.tokens(messages: messages)
    }
    if forgotten > 0 {
      flags.output.say(
        "(the context of \(context) tokens is full: forgot the oldest "
          + (forgotten == 1 ? "turn)" : "\(forgotten) turns)"))
    }
    return tokens
  }
}
