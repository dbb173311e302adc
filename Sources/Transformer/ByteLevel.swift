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

  /// The bytes that a token spells, or nil when a character of it is not in the alphabet.
  static func bytes(spelledBy token: String) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(token.utf8.count)
    for scalar in token.unicodeScalars {
      guard scalar.value < bytes.count, bytes[Int(scalar.value)] >= 0 else { return nil }
      result.append(UInt8(bytes[Int(scalar.value)]))
    }
    return result
  }
}
