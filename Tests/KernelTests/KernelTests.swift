import CKernels
import Support
import Testing

/// The kernels, bit for bit. One test at a time: which kernels run is a choice of the process.
@Suite(.serialized) struct KernelTests {
  /// The names of the kernels that this CPU can run, the law first.
  static let levels = ["scalar", "avx2", "avxvnni", "avx512", "neon", "neondot"].filter { name in
    defer { ft_use_kernels(nil) }
    return ft_use_kernels(name)
  }

  /// Runs `body` with the kernels of that name.
  static func with<Result>(_ level: String, _ body: () throws -> Result) rethrows -> Result {
    #expect(ft_use_kernels(level))
    defer { ft_use_kernels(nil) }
    return try body()
  }

  /// What each of this CPU's kernels makes of `body` must be what the scalar code makes of it.
  static func expectEqualBits(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () -> [Float]
  ) {
    let expected = with("scalar", body).map(\.bitPattern)
    for level in levels.dropFirst() {
      let bits = with(level, body).map(\.bitPattern)
      #expect(bits == expected, "\(what), \(level)", sourceLocation: sourceLocation)
    }
  }

  @Test func `The fastest kernels are chosen, and a name that does not exist changes nothing`() {
    #expect(Self.levels.first == "scalar")
    #expect(String(cString: ft_kernel_name()) == Self.levels.last)
    #expect(!ft_use_kernels("sse5"))
    #expect(String(cString: ft_kernel_name()) == Self.levels.last)
  }
}

extension [Float] {
  /// Seeded values, roughly normal (the sum of four uniforms), of variance `scale * scale`.
  static func random(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let sum = (0..<4).reduce(Float(0)) { sum, _ in sum + .random(in: -1...1, using: &generator) }
      return sum * scale * 0.866
    }
  }
}
