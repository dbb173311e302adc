/// Prompts apart from their rows: a text is the same under every model.
package enum PromptTexts {
  /// Reads lines of objects with `prompt_id` and `prompt_text`.
  ///
  /// - Returns: the texts by identifier.
  /// - Throws: `malformed` naming line and key, also where the identifier is not the text's.
  package static func read(
    _ source: some ByteSource, name: String
  ) throws(WorkloadError) -> [String: String] {
    var lines = LineSplitter(source, name: name)
    var texts: [String: String] = [:]
    while try lines.advance() {
      if lines.range.isEmpty { continue }
      func wrong(_ key: String?, _ problem: String) -> WorkloadError {
        WorkloadError(
          .malformed, source: name, line: lines.number, column: key, problem: problem)
      }
      let value: JSONValue
      do throws(JSONSyntaxError) {
        value = try JSONValue(parsing: lines.bytes, in: lines.range)
      } catch {
        throw wrong(nil, "not JSON at byte \(error.offset + 1): \(error.problem)")
      }
      func text(_ key: String) throws(WorkloadError) -> String {
        guard case .string(let text)? = value[key] else {
          throw wrong(key, "expected a string, found \(value[key]?.summary ?? "nothing")")
        }
        return text
      }
      let (identifier, prompt) = (try text("prompt_id"), try text("prompt_text"))
      if case .string(let dataset)? = value["dataset"],
        LengthRow.promptID(dataset: dataset, prompt: prompt) != identifier
      {
        throw wrong("prompt_id", "\(identifier) is not the identifier of the text and its dataset")
      }
      texts[identifier] = prompt
    }
    return texts
  }
}
