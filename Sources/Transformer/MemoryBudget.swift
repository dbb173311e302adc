import Synchronization

/// Counts the bytes that reading a file takes, and can refuse to take more.
///
/// Every buffer whose size a file has a say in is a `ByteBuffer` of some budget, so that a test can
/// see that a hostile file does not make us ask for more than an honest one of its size would.
package final class MemoryBudget: Sendable {
  package let limit: Int
  private let held = Atomic<Int>(0)
  private let most = Atomic<Int>(0)

  package init(limit: Int = .max) { self.limit = limit }

  /// The most bytes that were held at one time.
  package var peak: Int { most.load(ordering: .relaxed) }

  fileprivate func take(_ count: Int) -> Bool {
    let now = held.wrappingAdd(count, ordering: .relaxed).newValue
    guard now <= limit else {
      held.wrappingSubtract(count, ordering: .relaxed)
      return false
    }
    var seen = most.load(ordering: .relaxed)
    while now > seen {
      let (exchanged, original) = most.weakCompareExchange(
        expected: seen, desired: now, ordering: .relaxed)
      if exchanged { break }
      seen = original
    }
    return true
  }

  fileprivate func give(_ count: Int) { held.wrappingSubtract(count, ordering: .relaxed) }
}

/// Bytes on the heap, 64-byte aligned, that grow when asked and go when the value goes.
struct ByteBuffer: ~Copyable {
  private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private let budget: MemoryBudget

  init(budget: MemoryBudget) { self.budget = budget }

  /// The first `count` bytes; their contents are whatever was there.
  ///
  /// The pointer is good until the next call.
  mutating func room(
    for count: Int, path: String, place: @autoclosure () -> String
  ) throws(ModelError) -> UnsafeMutableRawBufferPointer {
    if count > storage.count {
      release()
      guard budget.take(count) else {
        throw ModelError(
          .outOfMemory, path: path, place: place(),
          problem: "needs \(count) bytes, more than the \(budget.limit) allowed")
      }
      storage = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
    }
    return UnsafeMutableRawBufferPointer(rebasing: storage[..<count])
  }

  private mutating func release() {
    guard storage.baseAddress != nil else { return }
    budget.give(storage.count)
    storage.deallocate()
    storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  deinit {
    guard storage.baseAddress != nil else { return }
    budget.give(storage.count)
    storage.deallocate()
  }
}
