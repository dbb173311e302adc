import ArgumentParser
import Decoding
import FoundationEssentials
import Transformer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Greedy speculation against greedy plain decoding, token for token, on many prompts at once.
struct IdentityBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identity",
    abstract: "Whether speculative greedy text equals plain greedy text, for every draft length.",
    discussion: """
      Prompts are JSON lines with instruction, question or prompt. They are answered in batches, each \
      draft length in a batch of its own, which must not change a token either. Exit code 1 when an \
      answer differs.
      """)

  @Option(help: "Folder of the target.")
  var model = "Weights/target"
  @Option(help: "Folder of the draft.")
  var draftModel = "Weights/draft"
  @Argument(help: "Files of prompts; they are taken in turn.")
  var files: [String]
  @Option(help: "Prompts in all.")
  var prompts = 200
  @Option(help: "The most tokens of an answer.")
  var maxTokens = 256
  @Option(help: "Prompts answered together.")
  var batch = 20
  @Option(help: "Worker threads.")
  var threads = 2

  private struct Row: Decodable {
    var instruction: String?
    var question: String?
    var prompt: String?
  }

  /// K, and nil for a length drawn anew for every round.
  private static let lengths: [Int?] = [1, 2, 3, 5, 8, 20, nil]

  func run() throws {
    let directory = try ModelDirectory(path: model)
    let team = try WorkerTeam(threads: threads)
    let target = try directory.loadModel(team: team)
    let draft = try ModelDirectory(path: draftModel).loadModel(team: team)
    let texts = try readPrompts()
    var (same, all) = (0, 0)
    for start in stride(from: 0, to: texts.count, by: batch) {
      let tokens = try texts[start..<min(start + batch, texts.count)].map { text in
        try directory.chatTemplate.get().tokens(
          [ChatMessage(role: .user, content: text)], tokenizer: directory.tokenizer)
      }
      func answers(_ policy: any DraftLengthPolicy, drafts: Bool) throws -> [[TokenID]] {
        let generations = try tokens.map { prompt in
          try Generation(
            target: target, prompt: prompt,
            options: GenerationOptions(
              maxTokens: maxTokens, endOfSequence: directory.endOfSequence),
            drafter: drafts ? ModelDrafter(model: draft) : nil, policy: policy)
        }
        let decoder = SpeculativeDecoder(target: target)
        while true {
          let going = generations.filter { $0.finishReason == nil }
          if going.isEmpty { return generations.map { Array($0.answer) } }
          _ = try decoder.round(going)
        }
      }
      let plain = try answers(FixedDraftLength(0), drafts: false)
      for length in Self.lengths {
        let found = try answers(
          length.map { FixedDraftLength($0) } ?? VaryingDraftLength(), drafts: true)
        same += zip(plain, found).count { $0 == $1 }
        all += plain.count
      }
      print(
        "\(start + tokens.count) prompts, \(threads) threads: \(same) of \(all) answers are plain "
          + "decoding's")
      fflush(nil)  // a long run into a file shows how far it is
    }
    if same < all { throw ExitCode(1) }
  }

  private func readPrompts() throws -> [String] {
    let columns = try files.map { file in
      try String(contentsOf: URL(filePath: file), encoding: .utf8).split(separator: "\n").compactMap
      {
        let row = try JSONDecoder().decode(Row.self, from: Data($0.utf8))
        return row.instruction ?? row.question ?? row.prompt
      }
    }
    let longest = columns.map(\.count).max() ?? 0
    let inTurn = (0..<longest).flatMap { index in
      columns.compactMap { $0.indices.contains(index) ? $0[index] : nil }
    }
    return Array(inTurn.prefix(prompts))
  }
}

/// 0 to 9 candidates, another number every round.
private struct VaryingDraftLength: DraftLengthPolicy {
  let name = "varying"
  private var length = 0

  mutating func scoresAnother(_ state: DraftState) -> Bool {
    if state.candidates.isEmpty { length = Int.random(in: 0...9) }
    return state.candidates.count < length
  }
}
