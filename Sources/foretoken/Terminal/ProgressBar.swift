import Synchronization

/// A line on stderr that shows how far a long piece of work is, as tqdm draws it:
///
///     loading target:  40%|████████            | 40.2/100 MB [00:10<00:15, 4.02 MB/s]
///
/// It appears after a second and at most ten times a second, only where a person is watching, and
/// is gone when the work is done. Any thread may report; reports may come out of order.
final class ProgressBar: Sendable {
  enum Unit: Sendable {
    case bytes
    /// Of what `done` and `total` count, for the rate: "prompts".
    case items(String)
  }

  private struct State {
    var done = 0
    var drawn: Duration?
    var isFinished = false
  }

  private let label: String
  private let unit: Unit
  private let isVisible = StandardError.isTerminal
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  init(label: String, unit: Unit = .bytes) {
    self.label = label.printable
    self.unit = unit
  }

  /// So much is done.
  func update(done: Int, total: Int) {
    guard isVisible else { return }
    let elapsed = ContinuousClock.now - start
    state.withLock { state in
      state.done = max(state.done, done)
      let next = state.drawn.map { $0 + .milliseconds(100) } ?? .seconds(1)
      guard !state.isFinished, elapsed >= next else { return }
      state.drawn = elapsed
      let line = Self.line(
        label: label, unit: unit, done: state.done, total: total, elapsed: elapsed,
        width: StandardError.width)
      StandardError.write("\r\(line)\u{1B}[K")
    }
  }

  /// Takes the line away; later reports are ignored.
  func finish() {
    state.withLock { state in
      if state.drawn != nil, !state.isFinished { StandardError.write("\r\u{1B}[K") }
      state.isFinished = true
    }
  }

  deinit { finish() }
}

// MARK: - What the line says

extension ProgressBar {
  /// The line, shorter than `width` columns; the bar takes what the text leaves.
  static func line(
    label: String, unit: Unit, done: Int, total: Int, elapsed: Duration, width: Int
  ) -> String {
    let share = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 1
    let seconds = elapsed / .seconds(1)
    let left = share > 0 ? seconds * (1 - share) / share : .infinity
    let rate = seconds > 0 ? Double(done) / seconds : 0
    let percent = padded("\(Int(share * 100))", to: 3)
    let head = "\(label): \(percent)%|"
    let tail =
      "| \(amounts(done, total, unit)) [\(clock(seconds))<\(clock(left)), \(speed(rate, unit))]"
    // The last column stays free: a full line makes some terminals wrap.
    let room = min(40, width - 1 - head.count - tail.count)
    guard room >= 4 else { return String("\(label): \(percent)%".prefix(max(0, width - 1))) }
    return head + bar(share, room) + tail
  }

  /// `width` columns filled to eighths.
  private static func bar(_ share: Double, _ width: Int) -> String {
    let eighths = Int(share * Double(width * 8))
    let (full, rest) = (eighths / 8, eighths % 8)
    let edges = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let bar = String(repeating: "█", count: full) + edges[rest]
    return bar + String(repeating: " ", count: width - full - (rest > 0 ? 1 : 0))
  }

  private static func amounts(_ done: Int, _ total: Int, _ unit: Unit) -> String {
    switch unit {
    case .items: return "\(done)/\(total)"
    case .bytes:
      let scale = ByteScale(total)
      return "\(scale.number(Double(done)))/\(scale.text(Double(total)))"
    }
  }

  private static func speed(_ rate: Double, _ unit: Unit) -> String {
    switch unit {
    case .items(let name): "\(threeDigits(rate)) \(name)/s"
    case .bytes: ByteScale(Int(rate)).text(rate) + "/s"
    }
  }

  /// `mm:ss`, or `h:mm:ss`; `?` when nobody can tell.
  private static func clock(_ seconds: Double) -> String {
    guard seconds < 360_000 else { return "?" }
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let whole = Int(seconds)
    let short = "\(two(whole / 60 % 60)):\(two(whole % 60))"
    return whole < 3600 ? short : "\(whole / 3600):\(short)"
  }

  private static func padded(_ text: String, to width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

/// Bytes in the decimal unit in which some amount has one to three digits before the point.
struct ByteScale {
  private let divisor: Double
  private let unit: String

  init(_ bytes: Int) {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var power = 0
    var divisor = 1.0
    // 999.5 would be written as 1000.
    while Double(bytes) >= 999.5 * divisor, power < units.count - 1 {
      power += 1
      divisor *= 1000
    }
    self.divisor = divisor
    unit = units[power]
  }

  func number(_ bytes: Double) -> String {
    divisor == 1 ? "\(Int(bytes))" : threeDigits(bytes / divisor)
  }

  func text(_ bytes: Double) -> String { "\(number(bytes)) \(unit)" }
}

/// Three significant digits, none in vain: "4.02", "40.2", "402".
func threeDigits(_ value: Double) -> String {
  value.fixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
}
