/// How a token is chosen from a row of logits. Names and meanings are Hugging Face's; the presence
/// and frequency penalties are OpenAI's.
package struct SamplingOptions: Sendable, Equatable {
  /// Divides the logits; 0 takes the most likely token.
  package var temperature: Double
  /// Keeps the k most likely tokens (and those tied with the last of them); 0 keeps all.
  package var topK: Int
  /// Keeps the smallest set of most likely tokens that holds at least this probability; 1 keeps all.
  package var topP: Double
  /// Keeps tokens at least this fraction as likely as the most likely; 0 keeps all.
  package var minP: Double
  /// Divides positive and multiplies negative logits of tokens in the prompt or the answer; 1 is off.
  package var repetitionPenalty: Double
  /// Subtracted from the logits of tokens in the answer; 0 is off.
  package var presencePenalty: Double
  /// Subtracted once for every time that the token is in the answer; 0 is off.
  package var frequencyPenalty: Double
  /// Of all random numbers of the request.
  package var seed: UInt64

  package init(
    temperature: Double = 0, topK: Int = 0, topP: Double = 1, minP: Double = 0,
    repetitionPenalty: Double = 1, presencePenalty: Double = 0, frequencyPenalty: Double = 0,
    seed: UInt64 = 0
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.repetitionPenalty = repetitionPenalty
    self.presencePenalty = presencePenalty
    self.frequencyPenalty = frequencyPenalty
    self.seed = seed
  }

  package var hasPenalties: Bool {
    repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0
  }

  /// - Throws: `setting` for the first value outside its range.
  package func validate() throws(GenerationError) {
    func check(
      _ name: String, _ value: Double, _ range: ClosedRange<Double>, _ allowed: String
    ) throws(GenerationError) {
      guard range.contains(value) else {
        throw .setting(name: name, value: "\(value)", allowed: allowed)
      }
    }
    try check("temperature", temperature, 0...100, "0 to 100")
    try check("top-k", Double(topK), 0...1e9, "0 or more")
    try check("top-p", topP, Double.leastNonzeroMagnitude...1, "more than 0, at most 1")
    try check("min-p", minP, 0...1, "0 to 1")
    try check("repetition-penalty", repetitionPenalty, 1e-3...1e3, "0.001 to 1000")
    try check("presence-penalty", presencePenalty, -100...100, "-100 to 100")
    try check("frequency-penalty", frequencyPenalty, -100...100, "-100 to 100")
  }
}
