import CZstd
import Support
import Synchronization
import Testing

@testable import Transformer

/// A tensor in memory.
struct TestTensor: Equatable {
  var info: TensorInfo
  var bytes: [UInt8]

  /// What the elements look like.
  enum Contents: CaseIterable {
    /// As in a trained model: normal, in the tensor's own type where it is a float.
    case weights
    case noise
    case zeros
    /// A few bytes over and over.
    case pattern
  }

  init(
    _ name: String, _ dtype: TensorDType, _ shape: [Int], _ contents: Contents = .weights,
    seed: UInt64 = 1
  ) throws {
    let info = try #require(TensorInfo(name: name, dtype: dtype, shape: shape))
    var generator = SeededGenerator(seed: seed)
    self.info = info
    switch contents {
    case .zeros: bytes = [UInt8](repeating: 0, count: info.byteCount)
    case .pattern: bytes = (0..<info.byteCount).map { [7, 0, 200, 31, 9, 9][$0 % 6] }
    case .noise: bytes = (0..<info.byteCount).map { _ in .random(in: 0...255, using: &generator) }
    case .weights:
      bytes = []
      bytes.reserveCapacity(info.byteCount)
      for _ in 0..<info.elementCount {
        // Nearly normal, of standard deviation 0.02.
        let sum = (0..<4).reduce(Float(0)) { total, _ in
          total + Float.random(in: -1...1, using: &generator)
        }
        bytes += Self.element(sum * 0.0173, dtype)
      }
    }
  }

  init(info: TensorInfo, bytes: [UInt8]) {
    self.info = info
    self.bytes = bytes
  }

  private static func element(_ value: Float, _ dtype: TensorDType) -> [UInt8] {
    switch dtype {
    case .f32: little(value.bitPattern)
    case .bf16: little(UInt16(value.bitPattern >> 16))
    case .f16: little(Float16(value).bitPattern)
    case .f64: little(Double(value).bitPattern)
    default: Array(repeating: UInt8(truncatingIfNeeded: Int(value * 1000)), count: dtype.size)
    }
  }

  var source: TensorSource { get throws { try TensorSource(info, bytes: bytes) } }
}

/// The bytes of an integer, the lowest first.
func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian, Array.init)
}

extension TemporaryFolder {
  /// Writes tensors to a packed and to a plain file, and gives the paths.
  @discardableResult
  func write(
    _ tensors: [TestTensor], metadata: [String: String] = [:], level: Int = 3, threads: Int = 2
  ) throws -> (packed: String, plain: String) {
    let writer = try WeightFileWriter(tensors.map { try $0.source }, metadata: metadata)
    let paths = (packed: file("t.safetensors.zst"), plain: file("t.safetensors"))
    try writer.writePacked(to: paths.packed, level: level, threads: threads)
    try writer.writePlain(to: paths.plain, threads: threads)
    return paths
  }
}

extension WeightFile {
  /// All tensors, loaded in parallel.
  func contents(threads: Int) throws -> [TestTensor] {
    let memory = Contents(tensors.map { [UInt8](repeating: 0xAA, count: $0.byteCount) })
    let requests = tensors.enumerated().map { index, tensor in
      TensorRequest(tensor.name) { rows in memory.put(rows, index) }
    }
    try load(requests, threads: threads)
    return zip(tensors, memory.bytes).map { TestTensor(info: $0, bytes: $1) }
  }

  private final class Contents: Sendable {
    private let state: Mutex<[[UInt8]]>
    var bytes: [[UInt8]] { state.withLock { $0 } }

    init(_ bytes: [[UInt8]]) { state = Mutex(bytes) }

    func put(_ rows: TensorRows, _ index: Int) {
      let offset = rows.rows.lowerBound * rows.tensor.columns * rows.tensor.dtype.size
      state.withLock { bytes in
        bytes[index].withUnsafeMutableBytes { memory in
          if let base = memory.baseAddress { rows.copyElements(to: base + offset) }
        }
      }
    }
  }
}

/// What `zstd -d` makes of a file.
func decompress(_ packed: [UInt8]) throws -> [UInt8] {
  let room = 1 << 26
  var failure: String?
  let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
    let written = ZSTD_decompress(buffer.baseAddress, room, packed, packed.count)
    if ZSTD_isError(written) != 0 {
      failure = String(cString: ZSTD_getErrorName(written))
    } else {
      count = written
    }
  }
  try #require(failure == nil, "\(failure ?? "")")
  return bytes
}
