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
      let line = try JSONLine(lines.bytes, lines.range, source: name, number: lines.number)
      let (identifier, prompt) = (try line.text("prompt_id"), try line.text("prompt_text"))
      if let dataset = try line.optionalText("dataset"),
        LengthRow.promptID(dataset: dataset, prompt: prompt) != identifier
      {
        throw line.wrong(
          "prompt_id", "\(identifier) is not the identifier of the text and its dataset")
      }
      texts[identifier] = prompt
    }
    return texts
  }
}
