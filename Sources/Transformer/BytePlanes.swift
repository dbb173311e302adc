/// Floats as byte planes: the bytes that compress apart from those that do not.
///
/// The bits of each element are rotated left by one, which brings the exponent together in the
/// first byte and puts the sign at the end of the mantissa; plane 0 then holds the most significant
/// byte of every element, plane 1 the next, and so on. Trained weights use few exponents, so plane 0
/// shrinks to about a third under a Huffman code; the mantissas are noise.
///
///     bf16   s eeeeeeee mmmmmmm      ->   eeeeeeee | mmmmmmm s
///     f16    s eeeee mmmmmmmmmm      ->   eeeeemmm | mmmmmmm s
///
/// In numpy, `planes` being the stored `(2, ...)` tensor of bytes:
///
///     rotated = planes[0].astype(np.uint16) << 8 | planes[1]
///     bits = rotated >> 1 | rotated << 15
///     tensor = bits.view(np.float16)     # or torch.from_numpy(bits).view(torch.bfloat16)
enum BytePlanes {
  /// How many planes a tensor of this type is stored as; 1 is "as it is".
  static func count(for dtype: TensorDType) -> Int {
    switch dtype {
    case .bf16, .f16: 2
    case .f32: 4
    default: 1
    }
  }

  /// Writes plane `plane` of `planes` (2 or 4) of elements of that many bytes: `target` has a byte
  /// for each.
  static func extract(
    _ plane: Int, of planes: Int, from source: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  ) {
    func extract<Bits: FixedWidthInteger & UnsignedInteger>(_: Bits.Type) {
      let shift = Bits(8 * (planes - 1 - plane))
      for index in 0..<target.count {
        let bits = Bits(
          littleEndian: source.loadUnaligned(fromByteOffset: index &* planes, as: Bits.self))
        let rotated = bits &<< 1 | bits &>> (Bits(Bits.bitWidth) - 1)
        target[index] = UInt8(truncatingIfNeeded: rotated &>> shift)
      }
    }
    if planes == 2 { extract(UInt16.self) } else { extract(UInt32.self) }
  }

  /// Puts the elements of two or four planes together again; all planes have the same length.
  static func join(_ planes: [UnsafeRawBufferPointer], into target: UnsafeMutableRawPointer) {
    let count = planes.first?.count ?? 0
    guard count > 0 else { return }
    if planes.count == 2 {
      let (high, low) = (planes[0], planes[1])
      for index in 0..<count {
        let rotated = UInt16(high[index]) &<< 8 | UInt16(low[index])
        let bits = rotated &>> 1 | rotated &<< 15
        target.storeBytes(of: bits.littleEndian, toByteOffset: index &* 2, as: UInt16.self)
      }
    } else {
      let (a, b, c, d) = (planes[0], planes[1], planes[2], planes[3])
      for index in 0..<count {
        let upper = UInt32(a[index]) &<< 24 | UInt32(b[index]) &<< 16
        let rotated = upper | UInt32(c[index]) &<< 8 | UInt32(d[index])
        let bits = rotated &>> 1 | rotated &<< 31
        target.storeBytes(of: bits.littleEndian, toByteOffset: index &* 4, as: UInt32.self)
      }
    }
  }
}
