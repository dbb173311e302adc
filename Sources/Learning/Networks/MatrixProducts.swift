// The two products that a dense network needs, blocked for registers. Every output element is one
// chain of operations whose order does not depend on how many rows there are, so a row of a batch
// equals that row alone, bit for bit.

extension UnsafePointer<Float> {
  @inline(__always)
  func lanes(_ index: Int) -> Lanes {
    UnsafeRawPointer(self + index).loadUnaligned(as: Lanes.self)
  }
}

extension UnsafeMutablePointer<Float> {
  @inline(__always)
  func lanes(_ index: Int) -> Lanes {
    UnsafeRawPointer(self + index).loadUnaligned(as: Lanes.self)
  }

  @inline(__always)
  func store(_ value: Lanes, at index: Int) {
    UnsafeMutableRawPointer(self + index).storeBytes(of: value, as: Lanes.self)
  }
}

/// `y[r][o] = bias[o] + sum_i x[r][i] w[o][i]`: `x` is `(rows, inputs)`, `w` is `(outputs, inputs)`.
func affine(
  _ x: UnsafePointer<Float>, rows: Int, inputs: Int, weight w: UnsafePointer<Float>,
  bias: UnsafePointer<Float>, outputs: Int, into y: UnsafeMutablePointer<Float>
) {
  let wide = inputs & ~7

  /// Adds up the lanes, then the columns that do not fill a vector, then the bias.
  @inline(__always)
  func finish(_ sums: Lanes, _ row: Int, _ output: Int) {
    var sum = sums.sum()
    var i = wide
    while i < inputs {
      sum += x[row &* inputs &+ i] * w[output &* inputs &+ i]
      i &+= 1
    }
    y[row &* outputs &+ output] = sum + bias[output]
  }

  var row = 0
  while row &+ 2 <= rows {
    let (x0, x1) = (x + row &* inputs, x + (row &+ 1) &* inputs)
    var output = 0
    while output &+ 2 <= outputs {
      let (w0, w1) = (w + output &* inputs, w + (output &+ 1) &* inputs)
      var (s00, s01, s10, s11) = (Lanes(), Lanes(), Lanes(), Lanes())
      var i = 0
      while i < wide {
        let (a, b) = (x0.lanes(i), x1.lanes(i))
        let (c, d) = (w0.lanes(i), w1.lanes(i))
        s00 += a * c
        s01 += a * d
        s10 += b * c
        s11 += b * d
        i &+= 8
      }
      finish(s00, row, output)
      finish(s01, row, output &+ 1)
      finish(s10, row &+ 1, output)
      finish(s11, row &+ 1, output &+ 1)
      output &+= 2
    }
    if output < outputs {
      let w0 = w + output &* inputs
      var (s0, s1) = (Lanes(), Lanes())
      var i = 0
      while i < wide {
        let c = w0.lanes(i)
        s0 += x0.lanes(i) * c
        s1 += x1.lanes(i) * c
        i &+= 8
      }
      finish(s0, row, output)
      finish(s1, row &+ 1, output)
    }
    row &+= 2
  }

  // One row: four outputs share each load of the input.
  guard row < rows else { return }
  let x0 = x + row &* inputs
  var output = 0
  while output &+ 4 <= outputs {
    let w0 = w + output &* inputs
    let (w1, w2, w3) = (w0 + inputs, w0 + 2 &* inputs, w0 + 3 &* inputs)
    var (s0, s1, s2, s3) = (Lanes(), Lanes(), Lanes(), Lanes())
    var i = 0
    while i < wide {
      let a = x0.lanes(i)
      s0 += a * w0.lanes(i)
      s1 += a * w1.lanes(i)
      s2 += a * w2.lanes(i)
      s3 += a * w3.lanes(i)
      i &+= 8
    }
    finish(s0, row, output)
    finish(s1, row, output &+ 1)
    finish(s2, row, output &+ 2)
    finish(s3, row, output &+ 3)
    output &+= 4
  }
  while output < outputs {
    let w0 = w + output &* inputs
    var sums = Lanes()
    var i = 0
    while i < wide {
      sums += x0.lanes(i) * w0.lanes(i)
      i &+= 8
    }
    finish(sums, row, output)
    output &+= 1
  }
}

/// A matrix whose element `(i, k)` is `base[i * row + k * column]`: a matrix or its transpose.
struct StridedMatrix {
  var base: UnsafePointer<Float>
  var row: Int
  var column: Int

  @inline(__always)
  subscript(i: Int, k: Int) -> Float { base[i &* row &+ k &* column] }
}

/// `c[i][j] += sum_k a[i, k] b[k][j]`: `c` is `(m, n)` and `b` is `(depth, n)`, both row-major.
func accumulateProduct(
  _ a: StridedMatrix, _ b: UnsafePointer<Float>, m: Int, n: Int, depth: Int,
  into c: UnsafeMutablePointer<Float>
) {
  var j = 0
  while j &+ 8 <= n {
    var i = 0
    while i &+ 4 <= m {
      let c0 = c + (i &* n &+ j)
      let (c1, c2, c3) = (c0 + n, c0 + 2 &* n, c0 + 3 &* n)
      var (s0, s1, s2, s3) = (c0.lanes(0), c1.lanes(0), c2.lanes(0), c3.lanes(0))
      var k = 0
      while k < depth {
        let strip = b.lanes(k &* n &+ j)
        s0 += strip * a[i, k]
        s1 += strip * a[i &+ 1, k]
        s2 += strip * a[i &+ 2, k]
        s3 += strip * a[i &+ 3, k]
        k &+= 1
      }
      c0.store(s0, at: 0)
      c1.store(s1, at: 0)
      c2.store(s2, at: 0)
      c3.store(s3, at: 0)
      i &+= 4
    }
    while i < m {
      var sums = c.lanes(i &* n &+ j)
      for k in 0..<depth { sums += b.lanes(k &* n &+ j) * a[i, k] }
      c.store(sums, at: i &* n &+ j)
      i &+= 1
    }
    j &+= 8
  }
  while j < n {
    for i in 0..<m {
      var sum = c[i &* n &+ j]
      for k in 0..<depth { sum += b[k &* n &+ j] * a[i, k] }
      c[i &* n &+ j] = sum
    }
    j &+= 1
  }
}
