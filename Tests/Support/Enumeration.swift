package import Decoding

/// Runs a random process once for every way in which its decisions can fall, so that the law of its
/// outcome is computed instead of sampled.
package struct Enumeration {
  /// The probability of each outcome. `run` must decide nothing by chance except through the source
  /// that it is given.
  package static func law(
    _ run: (any ChanceSource) throws -> [TokenID]
  ) rethrows -> [[TokenID]: Double] {
    var law: [[TokenID]: Double] = [:]
    let chance = EnumeratingChance()
    repeat {
      chance.begin()
      let outcome = try run(chance)
      law[outcome, default: 0] += chance.probability
    } while chance.advance()
    return law
  }
}

/// Takes the branches of a decision tree in turn, depth first.
private final class EnumeratingChance: ChanceSource {
  /// For each decision on the present path: the branches that it has, and which one is taken.
  private var path: [(probabilities: [Double], taken: Int)] = []
  private var depth = 0
  private(set) var probability = 1.0

  func begin() {
    depth = 0
    probability = 1
  }

  /// Moves on to the next path; false when all were taken.
  func advance() -> Bool {
    while let last = path.popLast() {
      if last.taken + 1 < last.probabilities.count {
        path.append((last.probabilities, last.taken + 1))
        return true
      }
    }
    return false
  }

  /// `probabilities` are positive.
  private func branch(_ probabilities: [Double]) -> Int {
    if depth == path.count { path.append((probabilities, 0)) }
    precondition(
      path[depth].probabilities.count == probabilities.count, "a run is not repeatable")
    let taken = path[depth].taken
    probability *= probabilities[taken]
    depth += 1
    return taken
  }

  /// Every decision is a branch of its own.
  func beginRound(at position: Int) {}

  func token(
    from distribution: TokenDistribution, position: Int, purpose: ChancePurpose
  ) -> TokenID {
    let possible = distribution.probabilities.indices.filter { distribution.probabilities[$0] > 0 }
    let index = possible[branch(possible.map { distribution.probabilities[$0] })]
    return distribution.tokens?[index] ?? TokenID(index)
  }

  func accepts(probability: Double, position: Int, purpose: ChancePurpose) -> Bool {
    if probability >= 1 { return true }
    if probability <= 0 { return false }
    return branch([probability, 1 - probability]) == 0
  }

  func coupledToken(from distribution: TokenDistribution, position: Int) -> TokenID {
    token(from: distribution, position: position, purpose: .coupled)
  }
}

/// Half the sum of absolute differences of two laws: the total variation distance.
package func totalVariation(_ a: [[TokenID]: Double], _ b: [[TokenID]: Double]) -> Double {
  Set(a.keys).union(b.keys).reduce(0) { $0 + abs(a[$1, default: 0] - b[$1, default: 0]) } / 2
}
