/// The table of frames at the end of a file in the zstd seekable format.
///
/// A skippable frame (magic 0x184D2A5E) that ordinary decoders pass over: for each frame its
/// compressed and decompressed size as u32, then a footer of the number of frames (u32), a
/// descriptor byte and the magic 0x8F92EAB1; all little-endian
/// (zstd, contrib/seekable_format/zstd_seekable_compression_format.md).
struct SeekTable: Equatable {
  struct Frame: Equatable {
    /// Where the frame begins in the file.
    var offset: Int
    var compressed: Int
    var decompressed: Int
  }

  static let skippableMagic: UInt32 = 0x184D_2A5E
  static let footerMagic: UInt32 = 0x8F92_EAB1
  static let footerBytes = 9

  var frames: [Frame] = []
  /// Where the frames end and the table begins.
  var dataEnd: Int { frames.last.map { $0.offset + $0.compressed } ?? 0 }

  mutating func append(compressed: Int, decompressed: Int) {
    frames.append(Frame(offset: dataEnd, compressed: compressed, decompressed: decompressed))
  }

  /// The skippable frame, ready to be written. Sizes must fit 32 bits.
  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    func put(_ value: Int) {
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian) {
        bytes.append(contentsOf: $0)
      }
    }
    put(Int(Self.skippableMagic))
    put(frames.count * 8 + Self.footerBytes)
    for frame in frames {
      put(frame.compressed)
      put(frame.decompressed)
    }
    put(frames.count)
    bytes.append(0)
    put(Int(Self.footerMagic))
    return bytes
  }

  /// Reads the table of a file and checks it against the file's size: the frames it lists fill the
  /// file from its first byte to the table's.
  init(reading file: InputFile, budget: MemoryBudget) throws(ModelError) {
    func fail(_ byte: Int, _ problem: String) -> ModelError {
      ModelError(
        .malformed, path: file.path, place: "seek table, byte \(byte)", problem: problem,
        advice: "the file is damaged or cut off; fetch or pack it again")
    }
    func integer(_ buffer: UnsafeMutableRawBufferPointer, _ offset: Int) -> UInt32 {
      UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    var scratch = ByteBuffer(budget: budget)
    let headerBytes = 8
    guard file.size >= headerBytes + Self.footerBytes else {
      throw fail(0, "\(file.size) bytes are too few for a packed weight file")
    }
    let footerOffset = file.size - Self.footerBytes
    let footer = try scratch.room(for: Self.footerBytes, path: file.path, place: "seek table")
    try file.read(at: footerOffset, into: footer)
    guard integer(footer, 5) == Self.footerMagic else {
      throw ModelError(
        .malformed, path: file.path, place: "byte \(footerOffset + 5)",
        problem: "no seek table at the end: cut off, or compressed by another program",
        advice: "if `zstd -d` takes it, decompress it and use `foretoken weights pack`")
    }
    let count = Int(integer(footer, 0))
    let descriptor = footer[4]
    guard descriptor & 0x7C == 0 else {
      throw fail(footerOffset + 4, "reserved bits are set (\(descriptor))")
    }
    let entryBytes = descriptor & 0x80 == 0 ? 8 : 12
    let tableBytes = count * entryBytes
    guard tableBytes <= file.size - headerBytes - Self.footerBytes else {
      throw fail(footerOffset, "\(count) frames do not fit a file of \(file.size) bytes")
    }
    let start = file.size - Self.footerBytes - tableBytes - headerBytes
    let table = try scratch.room(
      for: headerBytes + tableBytes, path: file.path, place: "seek table")
    try file.read(at: start, into: table)
    guard integer(table, 0) == Self.skippableMagic else {
      throw fail(start, "no skippable frame where \(count) frames put it")
    }
    guard Int(integer(table, 4)) == tableBytes + Self.footerBytes else {
      throw fail(
        start + 4, "says \(integer(table, 4)) bytes, \(tableBytes + Self.footerBytes) follow")
    }
    var offset = 0
    frames.reserveCapacity(count)
    for index in 0..<count {
      let place = headerBytes + index * entryBytes
      let compressed = Int(integer(table, place))
      let decompressed = Int(integer(table, place + 4))
      guard compressed > 0, decompressed > 0, compressed <= start - offset else {
        throw fail(
          start + place,
          "frame \(index) of \(compressed) bytes (\(decompressed) decompressed) at byte \(offset)"
            + " does not fit the \(start) bytes of frames")
      }
      frames.append(Frame(offset: offset, compressed: compressed, decompressed: decompressed))
      offset += compressed
    }
    guard offset == start else {
      throw fail(start, "the frames end at byte \(offset), the table begins at \(start)")
    }
  }

  init() {}
}
