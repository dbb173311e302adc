import CKernels
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension KernelTests {
  @Suite struct TeamTests {
    /// Runs `runs` jobs, and checks after each that every part ran once, before run returned.
    static func run(_ runs: Int, threads: Int32, pause: (Int) -> Void = { _ in }) throws -> Bool {
      let team = try Team(threads)
      #expect(ft_team_size(team.handle) == threads)
      var counts = [Int32](repeating: 0, count: Int(threads) * 16)  // a cache line each
      for run in 1...runs {
        counts.withUnsafeMutableBufferPointer { counts in
          ft_team_run(
            team.handle,
            { context, part, parts in
              guard let counts = context?.assumingMemoryBound(to: Int32.self) else { return }
              counts[Int(part) * 16] += 1
              counts[Int(part) * 16 + 1] = parts
            }, counts.baseAddress)
        }
        for part in 0..<Int(threads)
        where counts[part * 16] != run || counts[part * 16 + 1] != threads {
          return false
        }
        pause(run)
      }
      return true
    }

    @Test("Every part runs once in every run", arguments: Int32(1)...8)
    func manyRuns(threads: Int32) throws {
      #expect(try Self.run(threads <= 2 ? 20_000 : 300, threads: threads))
    }

    @Test("Workers that fell asleep wake up", arguments: [2, 3, 5])
    func sleep(threads: Int32) throws {
      // Pauses around the 60 us after which a worker sleeps: awake, asleep, and on the way.
      #expect(
        try Self.run(300, threads: threads) { run in
          usleep(UInt32(run % 6 == 0 ? 300 : run % 60 + 30))
        })
    }

    @Test func `Teams come and go, used or not`() throws {
      for threads: Int32 in [1, 2, 4, 8] {
        for _ in 0..<10 {
          _ = try Team(threads)
          #expect(try Self.run(3, threads: threads))
        }
      }
    }

    @Test func `Two teams at a time do not disturb each other`() async throws {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for threads: Int32 in [2, 3] {
          group.addTask { try Self.run(200, threads: threads) }
        }
        for try await ran in group { #expect(ran) }
      }
    }

    @Test func `A team of no threads or of too many is refused`() {
      #expect(ft_team_create(0) == nil)
      #expect(ft_team_create(-1) == nil)
      #expect(ft_team_create(FT_TEAM_MAX + 1) == nil)
      ft_team_destroy(nil)
    }
  }
}
