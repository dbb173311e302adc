import Transformer

/// Files that a command writes whole: beside their place and renamed, so that nobody ever sees half
/// of one.
enum TextFile {
  static func write(_ text: String, to path: String) throws(ModelError) {
    try write(Array(text.utf8), to: path)
  }

  static func write(_ bytes: [UInt8], to path: String) throws(ModelError) {
    let file = try OutputFile(path: path)
    try file.append(bytes)
    try file.complete()
  }
}
