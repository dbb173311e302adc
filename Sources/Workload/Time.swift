/// A point on a trace's clock, or a span between two points, in whole picoseconds.
///
/// Whole numbers make a sum of step times independent of how it is grouped, so that a stretch of
/// steps skipped in one go ends at the very instant at which stepping through it would. 63 bits of
/// picoseconds are 106 days.
package struct Time: Hashable, Comparable, Sendable {
  package var picoseconds: Int64

  package static let zero = Time(picoseconds: 0)
  /// Later than anything that happens.
  package static let never = Time(picoseconds: .max)
  /// The longest time that a trace or an option may name: about 92 days, which leaves room to run on.
  package static let longest = Time(picoseconds: 8_000_000_000_000_000_000)

  package init(picoseconds: Int64) { self.picoseconds = picoseconds }

  /// The nearest picosecond; beyond `longest`, and for what is not a number, the nearest bound.
  package init(seconds: Double) {
    let scaled = (seconds * 1e12).rounded()
    let bound = Double(Self.longest.picoseconds)
    picoseconds = scaled.isNaN ? 0 : Int64(min(max(scaled, -bound), bound))
  }

  package init(milliseconds: Double) { self.init(seconds: milliseconds * 1e-3) }

  package var seconds: Double { Double(picoseconds) * 1e-12 }
  package var milliseconds: Double { Double(picoseconds) * 1e-9 }

  package static func < (left: Time, right: Time) -> Bool { left.picoseconds < right.picoseconds }
  package static func + (left: Time, right: Time) -> Time {
    Time(picoseconds: left.picoseconds + right.picoseconds)
  }
  package static func - (left: Time, right: Time) -> Time {
    Time(picoseconds: left.picoseconds - right.picoseconds)
  }
  package static func += (left: inout Time, right: Time) { left = left + right }
}
