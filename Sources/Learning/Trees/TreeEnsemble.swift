/// One node of a tree: a question with two answers, or a leaf.
struct TreeNode: Codable, Equatable, Sendable {
  static let leaf: Int32 = -1
  /// Asks for the time bin of a hazard and not for a feature.
  static let timeSplit: Int32 = -2

  /// The feature asked for, `timeSplit`, or `leaf`.
  var feature: Int32
  /// Left if the feature is at most this (the time bin: below this); the value of a leaf.
  var threshold: Float
  /// The node on the left; the one on the right follows it.
  var left: Int32
}

/// A sum of regression trees: what gradient boosting makes.
///
/// It predicts one number, or a logit for each time bin of a hazard model.
package struct TreeEnsemble: Equatable, Sendable {
  package let denseWidth: Int
  package let sparseWidth: Int
  /// What is predicted before any tree: one number for each output.
  package let base: [Float]
  let nodes: [TreeNode]
  /// The first node of each tree.
  let roots: [Int32]

  package var outputWidth: Int { base.count }
  package var treeCount: Int { roots.count }

  /// - Throws: `parameters` when the nodes are no trees over these widths.
  init(
    denseWidth: Int, sparseWidth: Int, base: [Float], nodes: [TreeNode], roots: [Int32]
  ) throws(LearningError) {
    let features = denseWidth + sparseWidth
    for (index, node) in nodes.enumerated() {
      let isLeaf = node.feature == TreeNode.leaf
      let isKnown =
        isLeaf || node.feature == TreeNode.timeSplit || (0..<features).contains(Int(node.feature))
      // Children come after their parent, so that no walk goes round in circles.
      let isDown = isLeaf || (Int(node.left) > index && Int(node.left) + 1 < nodes.count)
      let isTime =
        node.feature != TreeNode.timeSplit
        || base.count > 1 && (0...Float(base.count)) ~= node.threshold
      guard isKnown, isDown, isTime, node.threshold.isFinite else {
        throw LearningError(.parameters, at: "tree node \(index)", "makes no sense: \(node)")
      }
    }
    guard !base.isEmpty, base.allSatisfy(\.isFinite),
      roots.allSatisfy({ nodes.indices.contains(Int($0)) })
    else {
      throw LearningError(.parameters, at: "tree ensemble", "a root or a base is out of range")
    }
    self.denseWidth = denseWidth
    self.sparseWidth = sparseWidth
    self.base = base
    self.nodes = nodes
    self.roots = roots
  }

  /// The prediction for the features that `row` holds: one number for each output.
  package func predict(_ row: FeatureRow, into outputs: inout [Float]) {
    predict(row.values, into: &outputs)
  }

  /// As for a row, of all features one after the other.
  package func predict(_ features: [Float], into outputs: inout [Float]) {
    precondition(features.count == denseWidth + sparseWidth, "a row of other features")
    precondition(outputs.count >= outputWidth, "the ensemble has \(outputWidth) outputs")
    for index in base.indices { outputs[index] = base[index] }
    features.withUnsafeBufferPointer { features in
      nodes.withUnsafeBufferPointer { nodes in
        guard outputWidth > 1 else {
          // Nothing asks for time.
          for root in roots {
            var node = nodes[Int(root)]
            while node.feature >= 0 {
              let right = features[Int(node.feature)] <= node.threshold ? 0 : 1
              node = nodes[Int(node.left) &+ right]
            }
            outputs[0] += node.threshold
          }
          return
        }
        for root in roots {
          walkTree(nodes, from: root, 0..<outputWidth) { node, _ in
            features[Int(node.feature)] <= node.threshold
          } leaf: { range, value in
            for index in range { outputs[index] += value }
          }
        }
      }
    }
  }

  /// The prediction of an ensemble with one output.
  package func predict(_ row: FeatureRow) -> Float {
    var outputs = base
    predict(row, into: &outputs)
    return outputs[0]
  }
}

/// Goes down from a node and calls `leaf` for each leaf that is reached, with its outputs.
///
/// A question about time sends the outputs before it one way and the others the other way.
@inline(__always)
func walkTree(
  _ nodes: UnsafeBufferPointer<TreeNode>, from root: Int32, _ outputs: Range<Int>,
  goesLeft: (TreeNode, Int) -> Bool, leaf: (Range<Int>, Float) -> Void
) {
  // The parts of a time split that wait; few, because a path asks for time a few times only.
  var waiting: [(node: Int32, outputs: Range<Int>)] = []
  var (index, range) = (Int(root), outputs)
  while true {
    let node = nodes[index]
    if node.feature >= 0 {
      index = Int(node.left) &+ (goesLeft(node, index) ? 0 : 1)
    } else if node.feature == TreeNode.timeSplit {
      let cut = min(max(Int(node.threshold), range.lowerBound), range.upperBound)
      waiting.append((node.left + 1, cut..<range.upperBound))
      (index, range) = (Int(node.left), range.lowerBound..<cut)
    } else {
      leaf(range, node.threshold)
      guard let next = waiting.popLast() else { return }
      (index, range) = (Int(next.node), next.outputs)
    }
  }
}
