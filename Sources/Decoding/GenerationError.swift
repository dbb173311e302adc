/// What is wrong with a request, before any model runs.
package enum GenerationError: Error, Equatable, CustomStringConvertible {
  /// A sampling setting outside its range: its name, what was given and what is allowed.
  case setting(name: String, value: String, allowed: String)
  /// There is no token to go on from.
  case emptyPrompt
  /// The prompt leaves no room for an answer in the target's context.
  case promptTooLong(tokens: Int, context: Int)
  /// The prompt has a token that the target does not know.
  case tokenOutsideVocabulary(token: TokenID, vocabularySize: Int)

  package var description: String {
    switch self {
    case .setting(let name, let value, let allowed):
      "\(name): expected \(allowed), found \(value)"
    case .emptyPrompt:
      "the prompt has no tokens"
    case .promptTooLong(let tokens, let context):
      "the prompt has \(tokens) tokens, the model's context holds \(context)"
    case .tokenOutsideVocabulary(let token, let vocabularySize):
      "token \(token) of the prompt is outside the vocabulary of \(vocabularySize)"
    }
  }
}
