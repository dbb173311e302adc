/// Where the prompt of a single answer comes from.
enum PromptText {
  /// Everything on stdin, or in a file.
  ///
  /// - Throws: `CommandError` for input that is missing, cannot be read, is not UTF-8 or is empty.
  static func read(from source: ByteSource) throws(CommandError) -> String {
    var bytes = try source.all()
    // The last newline belongs to the pipe, not to the prompt.
    if bytes.last == UInt8(ascii: "\n") {
      bytes.removeLast()
      if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    }
    return try checked(String(checking: bytes, from: source.name), from: source.name)
  }

  /// - Throws: `CommandError` for a prompt that says nothing.
  static func checked(_ text: String, from source: String) throws(CommandError) -> String {
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw CommandError(Failure.badData, "\(source): the prompt is empty")
    }
    return text
  }
}
