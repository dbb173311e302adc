/// GPT-2's spelling of bytes as printable characters, in which byte-level vocabularies are written:
/// printable Latin-1 stands for itself, every other byte for a character from U+0100 on.
enum ByteLevel {
  /// The byte that each of the first scalars stands for; -1 where it stands for none.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x100 + 68)
    var next = 0x100
    for byte in 0..<0x100 {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: bytes[byte] = Int16(byte)
      default:
        bytes[next] = Int16(byte)
        next += 1
      }
    }
    return bytes
  }()

  /// Appends the bytes that a token, in UTF-8, spells.
  ///
  /// - Returns: whether it does; nothing is appended when a character of it is not in the alphabet.
  static func append(spelledBy token: ArraySlice<UInt8>, to result: inout [UInt8]) -> Bool {
    let start = result.count
    var index = token.startIndex
    while index < token.endIndex {
      var scalar = Int(token[index])
      index += 1
      // The alphabet has no characters of more than two bytes.
      if scalar >= 0xC0, scalar < 0xE0, index < token.endIndex {
        scalar = (scalar & 0x1F) << 6 | Int(token[index] & 0x3F)
        index += 1
      } else if scalar >= 0x80 {
        scalar = bytes.count
      }
      guard scalar < bytes.count, bytes[scalar] >= 0 else {
        result.removeSubrange(start...)
        return false
      }
      result.append(UInt8(bytes[scalar]))
    }
    return true
  }
}
