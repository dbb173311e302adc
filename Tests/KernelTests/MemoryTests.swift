import CKernels
import Testing

extension KernelTests {
  @Suite struct MemoryTests {
    @Test("Memory is aligned and zero", arguments: [0, 1, 63, 64, 4097, 1 << 20, 5 << 20 | 3])
    func allocation(bytes: Int) throws {
      for _ in 0..<2 {
        let memory = try #require(ft_allocate(bytes))
        #expect(UInt(bitPattern: memory) % 64 == 0)
        let contents = UnsafeMutableRawBufferPointer(start: memory, count: bytes)
        #expect(contents.allSatisfy { $0 == 0 })
        // The second round may get the same memory again.
        for index in contents.indices { contents[index] = 0xA5 }
        ft_free(memory, bytes)
      }
    }

    @Test func `What cannot be had is refused`() {
      #expect(ft_allocate(.max) == nil)
      #expect(ft_allocate(.max - (2 << 20)) == nil)
      #expect(ft_allocate(1 << 60) == nil)
      ft_free(nil, 1 << 60)
    }
  }
}
