/// What kind of character a Unicode scalar is, as far as split patterns tell them apart.
enum ScalarClass: UInt8 {
  /// Neither of the others: control, format, private use, unassigned.
  case other
  /// Uppercase and titlecase letters (Lu, Lt).
  case upper
  /// Lowercase letters (Ll).
  case lower
  /// Letters without case (Lm, Lo).
  case caseless
  case mark
  case number
  case punctuation
  case symbol
  /// `\s`: the scalars with the property White_Space.
  case space

  /// The letter that stands for the class in `scalarClassRuns`.
  fileprivate init?(code: UInt8) {
    switch Unicode.Scalar(code) {
    case "Z": self = .other
    case "U": self = .upper
    case "L": self = .lower
    case "O": self = .caseless
    case "M": self = .mark
    case "N": self = .number
    case "P": self = .punctuation
    case "S": self = .symbol
    case "W": self = .space
    default: return nil
    }
  }
}

/// A set of scalar classes: what a bracket expression of a split pattern admits.
struct ScalarClassSet: OptionSet, Sendable {
  let rawValue: UInt16

  static let letters: Self = [Self(.upper), Self(.lower), Self(.caseless)]
  static let marks = Self(.mark)
  static let numbers = Self(.number)
  static let symbols: Self = [Self(.punctuation), Self(.symbol)]
  static let space = Self(.space)
  static let all = Self(rawValue: (1 << 9) - 1)

  init(rawValue: UInt16) { self.rawValue = rawValue }
  init(_ member: ScalarClass) { rawValue = 1 << UInt16(member.rawValue) }

  var inverted: Self { Self(rawValue: ~rawValue & Self.all.rawValue) }
}

/// The class of every scalar, one byte each, so that looking one up is one load.
struct ScalarClassTable: Sendable {
  static let shared = ScalarClassTable()

  /// Indexed by scalar value; the raw values of `ScalarClass`.
  let classes: [UInt8]

  private init() {
    var classes: [UInt8] = []
    classes.reserveCapacity(0x110000)
    var current = ScalarClass.other
    var length = 0
    func finish() { classes.append(contentsOf: repeatElement(current.rawValue, count: length)) }
    var digits = false
    for code in scalarClassRuns.utf8 {
      if let next = ScalarClass(code: code) {
        finish()
        (current, length, digits) = (next, 1, false)
      } else {
        let digit = Int(code) - (code < 0x40 ? 0x30 : 0x57)
        length = (digits ? length * 16 : 0) + digit
        digits = true
      }
    }
    finish()
    // Whatever the runs say, every scalar can be looked up.
    classes.append(contentsOf: repeatElement(0, count: max(0, 0x110000 - classes.count)))
    self.classes = classes
  }
}

/// Steps through valid UTF-8, one classified scalar at a time.
struct ScalarReader {
  let bytes: UnsafeBufferPointer<UInt8>
  private let classes: UnsafePointer<UInt8>

  /// `classes` is the shared table; it outlives the reader because it is never freed.
  init(_ bytes: UnsafeBufferPointer<UInt8>, classes: UnsafePointer<UInt8>) {
    self.bytes = bytes
    self.classes = classes
  }

  /// The scalar that begins at `index`, and where the next one begins.
  @inline(__always) func scalar(at index: Int) -> (value: UInt32, next: Int) {
    let first = UInt32(bytes[index])
    if first < 0x80 { return (first, index + 1) }
    func tail(_ offset: Int) -> UInt32 { UInt32(bytes[index + offset]) & 0x3F }
    if first < 0xE0 { return ((first & 0x1F) << 6 | tail(1), index + 2) }
    if first < 0xF0 { return ((first & 0xF) << 12 | tail(1) << 6 | tail(2), index + 3) }
    return ((first & 7) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), index + 4)
  }

  /// Whether the scalar at `index` belongs to `set`, and where the next one begins.
  @inline(__always) func look(_ index: Int, for set: ScalarClassSet) -> (found: Bool, next: Int) {
    let (value, next) = scalar(at: index)
    return (set.rawValue >> UInt16(classes[Int(value)]) & 1 != 0, next)
  }

  /// The end of the longest run of `set` from `index`, at most `limit` scalars.
  @inline(__always) func run(
    of set: ScalarClassSet, from index: Int, to end: Int, limit: Int = .max
  ) -> Int {
    var (index, left) = (index, limit)
    while index < end, left > 0 {
      let (found, next) = look(index, for: set)
      if !found { break }
      index = next
      left -= 1
    }
    return index
  }
}
