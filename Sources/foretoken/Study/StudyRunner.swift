import Dispatch
import FoundationEssentials
import Synchronization
import Workload

/// Runs the scenes that are still to be run, on all cores, and appends each to the journal.
struct StudyRunner {
  let study: StudyFile
  let fingerprint: String
  let traces: [String: [Workload.Request]]
  let journal: LineJournal
  let threads: Int

  private struct State {
    var done: Int
    var failure: (any Error)?
  }

  /// - Parameters:
  ///   - scenes: to run.
  ///   - done: how many of `total` are there already.
  /// - Returns: whether all were run; `false` after Ctrl-C.
  func run(_ scenes: [StudyScene], done: Int, total: Int) throws -> Bool {
    let progress = ProgressBar(label: "study", unit: .items("scenes"))
    progress.update(done: done, total: total)
    let next = Atomic(0)
    let state = Mutex(State(done: done))
    DispatchQueue.concurrentPerform(iterations: max(1, min(threads, scenes.count))) { _ in
      while !Interrupt.isRequested {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < scenes.count, state.withLock({ $0.failure == nil }) else { return }
        let line = Result { try encoded(scenes[index]) }
        state.withLock { state in
          do {
            try journal.append(line.get())
            state.done += 1
            progress.update(done: state.done, total: total)
          } catch {
            state.failure = state.failure ?? error
          }
        }
      }
    }
    progress.finish()
    if let failure = state.withLock({ $0.failure }) { throw failure }
    return !Interrupt.isRequested
  }

  private func encoded(_ scene: StudyScene) throws -> [UInt8] {
    guard let trace = study.traces.first(where: { $0.name == scene.trace }),
      let requests = traces[scene.trace]
    else { return [] }
    let result = try StudyResult(
      scene, of: study, fingerprint: fingerprint, trace: trace, requests: requests)
    return Array(try StudyJournal.encoder.encode(result))
  }
}
