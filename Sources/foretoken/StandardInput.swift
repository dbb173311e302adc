import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Standard input as bytes: text is checked before it is believed.
enum StandardInput {
  /// Everything up to the end.
  static func readToEnd() throws -> Data {
    var data = Data()
    while let chunk = try readChunk() { data.append(contentsOf: chunk) }
    return data
  }

  /// The next bytes, as soon as there are any; nil at the end, or after Ctrl-C.
  static func readChunk() throws -> [UInt8]? {
    let chunk = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      count = 0
      while !Interrupt.isRequested {
        let size = read(STDIN_FILENO, buffer.baseAddress, buffer.count)
        if size >= 0 {
          count = size
          return
        }
        if errno != EINTR {
          throw ModelErrorIO.input(errno)
        }
      }
    }
    return chunk.isEmpty ? nil : chunk
  }

  /// Where the first byte that is not UTF-8 stands.
  static func firstInvalidByte(_ data: Data) -> Int {
    // The longest valid prefix, by halving: validity of a prefix that ends inside a character is
    // settled by trying the three bytes before the end too.
    func isValid(_ count: Int) -> Bool {
      (0...3).contains { back in
        back <= count && String(validating: data.prefix(count - back), as: UTF8.self) != nil
      }
    }
    var (low, high) = (0, data.count)
    while low < high {
      let middle = (low + high + 1) / 2
      if isValid(middle) { low = middle } else { high = middle - 1 }
    }
    var place = low
    while place > 0, String(validating: data.prefix(place), as: UTF8.self) == nil { place -= 1 }
    return place
  }
}
