/// The least time in which a text could have been decoded by somebody who knew, before drafting,
/// which of the draft's tokens the target keeps: what no chain of candidates can beat (SpecDec++,
/// 2405.19715, lemma on the oracle, here with measured costs instead of constant ones).
///
/// It holds where the text does not depend on what is drafted: greedily, or with coupled draws.
package struct Oracle {
  package let costs: CostModel
  package let most: Int

  package init(costs: CostModel, most: Int = 32) {
    self.costs = costs
    self.most = most
  }

  /// Seconds of all rounds after the first token, the best length chosen for each.
  ///
  /// - Parameters:
  ///   - keeps: one for each token of the answer: whether the draft proposes that token, given the
  ///     text before it.
  ///   - promptCount: tokens before the answer.
  package func seconds(keeps: [Bool], promptCount: Int) -> Double {
    let count = keeps.count
    guard count > 1 else { return 0 }
    // From the end: the least time after i tokens of the answer, and how many tokens from there on
    // the draft proposes rightly.
    var least = [Double](repeating: 0, count: count + 1)
    var right = 0
    for done in stride(from: count - 1, through: 1, by: -1) {
      right = keeps[done] ? right + 1 : 0
      let context = promptCount + done
      // A round emits one more than it drafts, and no round drafts past the end.
      least[done] = (0...min(right, most, count - done - 1)).reduce(.infinity) { best, drafted in
        min(best, roundSeconds(drafting: drafted, context: context) + least[done + drafted + 1])
      }
    }
    return least[1]
  }

  /// Seconds of a round of K candidates: `K t_d + V(K + 1) + o`.
  package func roundSeconds(drafting count: Int, context: Int) -> Double {
    costs.draft(count, context: context) + costs.verify(count + 1, context: context)
      + costs.overhead
  }
}
