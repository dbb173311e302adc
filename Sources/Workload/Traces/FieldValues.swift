/// Numbers and dates out of bytes, without a string in between.
enum FieldValues {
  /// A decimal number: whole units and picounits (1e-12 of a unit), both with the number's sign.
  struct Decimal: Equatable {
    var whole: Int64
    var pico: Int64
  }

  /// Reads `-12.5`, `374.0`, `1.6e3`; digits beyond the twelfth place are dropped.
  static func decimal(_ bytes: Span<UInt8>) -> Decimal? {
    var at = 0
    var negative = false
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
      negative = bytes[at] == UInt8(ascii: "-")
      at += 1
    }
    var whole: Int64 = 0
    var pico: Int64 = 0
    var digits = 0
    while at < bytes.count, let digit = digit(bytes[at]) {
      let (product, high) = whole.multipliedReportingOverflow(by: 10)
      let (sum, higher) = product.addingReportingOverflow(digit)
      if high || higher { return nil }
      whole = sum
      digits += 1
      at += 1
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      at += 1
      var place: Int64 = 100_000_000_000
      while at < bytes.count, let digit = digit(bytes[at]) {
        pico += digit * place
        place /= 10
        digits += 1
        at += 1
      }
    }
    guard digits > 0 else { return nil }
    if at < bytes.count { return exponential(bytes) }
    return negative ? Decimal(whole: -whole, pico: -pico) : Decimal(whole: whole, pico: pico)
  }

  /// A whole number of tokens; `374.0` will do.
  static func integer(_ bytes: Span<UInt8>) -> Int? {
    guard let value = decimal(bytes), value.pico == 0 else { return nil }
    return Int(value.whole)
  }

  /// Seconds since 1970 of `YYYY-MM-DD HH:MM:SS[.fraction][Z|+HH:MM|-HH:MM]`, as a decimal.
  static func date(_ bytes: Span<UInt8>) -> Decimal? {
    func number(_ start: Int, _ count: Int) -> Int64? {
      guard start + count <= bytes.count else { return nil }
      var value: Int64 = 0
      for index in start..<start + count {
        guard let digit = digit(bytes[index]) else { return nil }
        value = value * 10 + digit
      }
      return value
    }
    func has(_ character: UInt8, _ place: Int) -> Bool {
      place < bytes.count && bytes[place] == character
    }
    guard let year = number(0, 4), has(UInt8(ascii: "-"), 4), let month = number(5, 2),
      has(UInt8(ascii: "-"), 7), let day = number(8, 2),
      has(UInt8(ascii: " "), 10) || has(UInt8(ascii: "T"), 10), let hour = number(11, 2),
      has(UInt8(ascii: ":"), 13), let minute = number(14, 2), has(UInt8(ascii: ":"), 16),
      let second = number(17, 2), (1...12).contains(month), (1...31).contains(day), hour < 24,
      minute < 60, second < 61
    else { return nil }
    var at = 19
    var pico: Int64 = 0
    if has(UInt8(ascii: "."), at) {
      at += 1
      var place: Int64 = 100_000_000_000
      while at < bytes.count, let digit = digit(bytes[at]) {
        pico += digit * place
        place /= 10
        at += 1
      }
    }
    var offset: Int64 = 0
    if has(UInt8(ascii: "+"), at) || has(UInt8(ascii: "-"), at) {
      guard let hours = number(at + 1, 2), has(UInt8(ascii: ":"), at + 3),
        let minutes = number(at + 4, 2)
      else { return nil }
      offset = (hours * 60 + minutes) * (bytes[at] == UInt8(ascii: "-") ? -60 : 60)
      at += 6
    } else if has(UInt8(ascii: "Z"), at) {
      at += 1
    }
    guard at == bytes.count else { return nil }
    let days = daysSince1970(year: year, month: month, day: day)
    return Decimal(whole: ((days * 24 + hour) * 60 + minute) * 60 + second - offset, pico: pico)
  }

  /// `[1, 2, 3]` as names of prefix blocks.
  static func hashes(_ bytes: Span<UInt8>, into hashes: inout [UInt64]) -> Bool {
    guard bytes.count >= 2, bytes[0] == UInt8(ascii: "["),
      bytes[bytes.count - 1] == UInt8(ascii: "]")
    else { return false }
    var start = 1
    while start < bytes.count - 1 {
      var end = start
      while end < bytes.count - 1, bytes[end] != UInt8(ascii: ",") { end += 1 }
      var (low, high) = (start, end)
      while low < high, bytes[low] == UInt8(ascii: " ") { low += 1 }
      while low < high, bytes[high - 1] == UInt8(ascii: " ") { high -= 1 }
      if low == high { return start == 1 && end == bytes.count - 1 }
      guard let value = integer(bytes.extracting(low..<high)) else { return false }
      hashes.append(UInt64(bitPattern: Int64(value)))
      start = end + 1
    }
    return true
  }

  @inline(__always)
  private static func digit(_ byte: UInt8) -> Int64? {
    let value = byte &- UInt8(ascii: "0")
    return value < 10 ? Int64(value) : nil
  }

  /// The rare number with an exponent, through a `Double`.
  private static func exponential(_ bytes: Span<UInt8>) -> Decimal? {
    var text = ""
    for index in bytes.indices { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
    guard let value = Double(text), value.magnitude < 9e18 else { return nil }
    let whole = value.rounded(.towardZero)
    return Decimal(whole: Int64(whole), pico: Int64((value - whole) * 1e12))
  }

  /// Howard Hinnant's `days_from_civil`.
  private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
