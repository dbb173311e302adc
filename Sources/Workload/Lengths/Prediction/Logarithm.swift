#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Natural logarithm: the scale on which lengths are predicted.
func logarithm(_ x: Double) -> Float { Float(log(x)) }

func exponential(_ x: Float) -> Float { expf(x) }
