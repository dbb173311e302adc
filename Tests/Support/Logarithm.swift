#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Float {
  package static func logarithm(_ value: Double) -> Float { Float(log(value)) }
}

extension Double {
  package static func exponential(_ value: Double) -> Double { exp(value) }
  package static func naturalLogarithm(_ value: Double) -> Double { log(value) }
}
