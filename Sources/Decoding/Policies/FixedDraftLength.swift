/// Always K candidates (Leviathan et al., 2211.17192; Chen et al., 2302.01318). K = 0 decodes
/// plainly.
package struct FixedDraftLength: DraftLengthPolicy {
  package let length: Int

  package init(_ length: Int) { self.length = length }

  package var name: String { length == 0 ? "plain" : "fixed-\(length)" }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    state.candidates.count < length
  }
}
