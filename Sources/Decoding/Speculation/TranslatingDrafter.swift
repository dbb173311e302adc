/// A draft model whose tokens are not the target's: it reads the text in its own, goes on with the
/// likeliest ones, and what these say is proposed in the target's tokens (transformers' universal
/// assisted generation; llama.cpp's drafts with another vocabulary).
///
/// A candidate follows from the text before it and from nothing that is drawn, so it is proposed for
/// certain and kept with the target's own probability of it: the law of the text is the target's.
package final class TranslatingDrafter: Drafter {
  private let model: any LanguageModel
  private let sequence: SequenceID
  private var output: ForwardOutput
  private let theirs: any Vocabulary
  private let own: any Vocabulary
  private let ends: Set<TokenID>
  /// The prefix in the target's tokens.
  private var prefix = Spelling()
  /// The same in the draft's, and what it goes on with.
  private var text = Spelling()
  /// Whether the draft's tokens spell the prefix byte for byte.
  private var isExact = true
  private var proposal: Proposal?

  /// What the draft says in a round.
  private struct Proposal {
    var bytes: [UInt8] = []
    /// Where each of the draft's tokens ends, and how sure the draft was of it.
    var parts: [(end: Int, summary: LogitsSummary?)] = []
    /// The draft ends its answer here.
    var isOver = false
    var submitted: [TokenID] = []

    mutating func append(_ spelled: [UInt8], _ summary: LogitsSummary?) {
      bytes += spelled
      parts.append((bytes.count, summary))
    }
  }

  /// Steps of the draft without a token of the target, after which there is none.
  private static let patience = 16
  /// The most tokens that are cut anew, back to the beginning of a word.
  private static let lookBehind = 8

  /// - Parameters:
  ///   - target: the vocabulary of the prefix and of the candidates.
  ///   - own: the draft's.
  ///   - ends: tokens with which the draft ends an answer.
  package init(
    model: any LanguageModel, own: any Vocabulary, target: any Vocabulary, ends: Set<TokenID>
  ) throws {
    self.model = model
    self.own = own
    theirs = target
    self.ends = ends
    sequence = try model.openSequence()
    output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
  }

  deinit { model.closeSequence(sequence) }

  package func rewind(to length: Int) { proposal = nil }

  package func score(after prefix: Prefix, needs: EvidenceNeeds) throws -> DraftStep? {
    if proposal == nil {
      // In the middle of a character nobody knows what it will be.
      guard read(prefix.tokens) else { return nil }
      proposal = Proposal()
    }
    for _ in 0...Self.patience {
      if let token = nextToken() {
        let summary = needs.contains(.summary) ? leastSure(token) : nil
        proposal?.submitted.append(token)
        return DraftStep(
          TokenDistribution(only: token), evidence: DraftEvidence(summary: summary))
      }
      guard proposal?.isOver == false, text.tokens.count <= model.contextLength else { return nil }
      try step(needs)
    }
    return nil
  }

  // MARK: - Reading the prefix

  /// Says the target's tokens in the draft's; false where they end inside a character.
  private func read(_ tokens: [TokenID]) -> Bool {
    prefix.become(tokens, in: theirs)
    guard String(validating: prefix.bytes, as: UTF8.self) != nil else { return false }
    let fed = text.tokens.prefix(model.length(of: sequence))

    // What was said before stays, back to the beginning of the last word: words are cut as a whole.
    var kept = isExact ? text.count(within: text.bytes.sharedCount(with: prefix.bytes)) : 0
    let furthest = max(0, kept - Self.lookBehind)
    while kept > furthest, !beginsWord(text.start(of: kept)) { kept -= 1 }
    text.cut(to: kept)
    isExact = say(from: text.bytes.count)

    let known = min(fed.sharedCount(with: text.tokens), text.tokens.count - 1)
    model.rewind(sequence, to: max(0, known))
    return !text.tokens.isEmpty
  }

  private func beginsWord(_ index: Int) -> Bool {
    index < prefix.bytes.count && (prefix.bytes[index] == 0x20 || prefix.bytes[index] == 0x0A)
  }

  /// Appends the draft's tokens of the prefix from a byte on; false where their bytes are others.
  private func say(from start: Int) -> Bool {
    var rest = prefix.bytes[start...]
    let said = own.tokens(
      of: String(decoding: rest, as: UTF8.self), isBeginning: text.tokens.isEmpty)
    for token in said {
      var spelled = own.bytes(of: token)[...]
      // A first word may have got a space that the text lacks.
      if rest.startIndex == 0, spelled.first == 0x20, rest.first != 0x20 { spelled.removeFirst() }
      // What is not in the text is a mark of its beginning.
      if !rest.starts(with: spelled) { spelled = [] }
      text.append(token, spelled)
      rest = rest.dropFirst(spelled.count)
    }
    return rest.isEmpty
  }

  // MARK: - Going on

  /// Draws the draft's likeliest token.
  private func step(_ needs: EvidenceNeeds) throws {
    let fed = model.length(of: sequence)
    try model.forward([Slice(sequence, tokens: text.tokens[fed...], rows: 1)], into: &output)
    let (token, summary) = output.withLogits(row: 0) { logits in
      let row = LogitsRow(logits)
      return (row.mostLikely, needs.contains(.summary) ? row.summary : nil)
    }
    guard !ends.contains(token) else {
      proposal?.isOver = true
      return
    }
    let bytes = own.bytes(of: token)
    text.append(token, bytes)
    proposal?.append(bytes, summary)
  }

  /// The target's token that comes next in what the draft says, once more text cannot change it: when
  /// another follows.
  private func nextToken() -> TokenID? {
    guard let proposal else { return nil }
    for cut in 0...3 where cut < proposal.bytes.count {
      let whole = proposal.bytes.dropLast(cut)
      guard let said = String(validating: whole, as: UTF8.self) else { continue }
      let tokens = theirs.tokens(of: said, isBeginning: false)
      let settled = proposal.isOver && cut == 0 ? tokens.count : tokens.count - 1
      let next = proposal.submitted.count
      return next < settled && tokens.starts(with: proposal.submitted) ? tokens[next] : nil
    }
    return nil
  }

  /// The draft's state where it was least sure of what the next token says.
  private func leastSure(_ token: TokenID) -> LogitsSummary? {
    guard let proposal else { return nil }
    let start = proposal.submitted.reduce(0) { $0 + theirs.bytes(of: $1).count }
    let end = start + theirs.bytes(of: token).count
    let first = proposal.parts.firstIndex { $0.end > start } ?? proposal.parts.endIndex
    let last = proposal.parts.firstIndex { $0.end >= end } ?? proposal.parts.endIndex - 1
    guard first <= last else { return nil }
    return proposal.parts[first...last].compactMap(\.summary)
      .min { $0.topProbability < $1.topProbability }
  }
}
