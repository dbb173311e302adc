package import Decoding
internal import Learning

/// What heads are trained on, in a weight file: on-policy samples and teacher-forced ones.
package struct HeadSampleFile: Sendable {
  package var onPolicy: [HeadSample] = []
  /// Which prompt each on-policy sample is of, so that prompts can be held out whole.
  package var prompts: [Int] = []
  package var teacherForced: [TeacherForcing.Sample] = []
  package var forcedPrompts: [Int] = []
  /// How they were made, for people.
  package var provenance = ""

  package init() {}

  // Numbers of an on-policy sample: acceptance, depth, confidence, the summary, whether it was fed,
  // the summary after it, its prompt, the temperature, the outcome, both repetitions.
  private static let scalarCount = 15

  /// - Throws: what the file throws; `malformed` for arrays that do not fit each other.
  package init(contentsOf path: String) throws(ModelError) {
    let archive = try TensorArchive(contentsOf: path)
    func rows(_ name: String, _ width: Int?) throws(ModelError) -> (values: [Float], width: Int) {
      guard let tensor = archive.tensors[name] else { return ([], width ?? 0) }
      guard tensor.shape.count == 2, width == nil || tensor.shape[1] == width else {
        throw ModelError(
          .malformed, path: path, place: "tensor \(name)",
          problem:
            "the shape \(tensor.shape) is not (samples, \(width.map(String.init) ?? "width"))",
          advice: "of another version? collect samples again with \"foretoken head collect\"")
      }
      // What is counted is a whole number in them, and none of the rest is larger.
      if let index = tensor.values.firstIndex(where: { !($0.magnitude <= 16_777_216) }) {
        throw ModelError(
          .malformed, path: path, place: "tensor \(name)",
          problem: "sample \(index / max(1, tensor.shape[1])) holds \(tensor.values[index])")
      }
      return (tensor.values, tensor.shape[1])
    }
    func check(_ name: String, _ count: Int, _ expected: Int) throws(ModelError) {
      guard count == expected else {
        throw ModelError(
          .malformed, path: path, place: "tensor \(name)",
          problem: "\(count) values where \(expected) are expected")
      }
    }
    let scalars = try rows("scalars", Self.scalarCount).values
    let (before, width) = try rows("before", nil)
    let after = try rows("after", width).values
    let count = scalars.count / Self.scalarCount
    try check("before", before.count, count * width)
    try check("after", after.count, count * width)
    for index in 0..<count {
      let s = scalars[index * Self.scalarCount..<(index + 1) * Self.scalarCount].map(Double.init)
      let place = index * width..<(index + 1) * width
      let isFed = s[6] > 0
      var sample = HeadSample(
        before: Array(before[place]), after: isFed ? Array(after[place]) : nil,
        acceptance: min(max(s[0], 0), 1),
        outcome: HeadSample.Outcome(rawValue: Int(s[12])) ?? .unreached, depth: max(0, Int(s[1])),
        temperature: s[11], confidence: s[2],
        summary: LogitsSummary(topProbability: s[3], secondProbability: s[4], entropy: s[5]),
        nextSummary: isFed
          ? LogitsSummary(topProbability: s[7], secondProbability: s[8], entropy: s[9]) : nil)
      (sample.repetition, sample.nextRepetition) = (Int(s[13]), Int(s[14]))
      onPolicy.append(sample)
      prompts.append(Int(s[10]))
    }
    let labels = try rows("forced_labels", 2).values
    let (states, stateWidth) = try rows("forced_states", nil)
    try check("forced_states", states.count, labels.count / 2 * stateWidth)
    for index in 0..<labels.count / 2 {
      teacherForced.append(
        TeacherForcing.Sample(
          hidden: Array(states[index * stateWidth..<(index + 1) * stateWidth]),
          acceptance: min(max(Double(labels[2 * index]), 0), 1)))
      forcedPrompts.append(Int(labels[2 * index + 1]))
    }
    provenance = archive.metadata["provenance"] ?? ""
  }

  package func write(to path: String, threads: Int) throws(ModelError) {
    var archive = TensorArchive(metadata: ["provenance": provenance])
    if let width = onPolicy.first?.before.count {
      let zeros = [Float](repeating: 0, count: width)
      var scalars: [Float] = []
      for (sample, prompt) in zip(onPolicy, prompts) {
        let (now, next) = (sample.summary, sample.nextSummary)
        scalars += [
          sample.acceptance, Double(sample.depth), sample.confidence, now.topProbability,
          now.secondProbability, now.entropy, sample.after == nil ? 0 : 1,
          next?.topProbability ?? 0, next?.secondProbability ?? 0, next?.entropy ?? 0,
          Double(prompt), sample.temperature, Double(sample.outcome.rawValue),
          Double(sample.repetition), Double(sample.nextRepetition),
        ].map(Float.init)
      }
      let count = onPolicy.count
      archive.tensors["scalars"] = NamedTensor(
        shape: [count, Self.scalarCount], values: scalars)
      archive.tensors["before"] = NamedTensor(
        shape: [count, width], values: onPolicy.flatMap(\.before))
      archive.tensors["after"] = NamedTensor(
        shape: [count, width], values: onPolicy.flatMap { $0.after ?? zeros })
    }
    if let width = teacherForced.first?.hidden.count {
      let labels = zip(teacherForced, forcedPrompts).flatMap { [Float($0.acceptance), Float($1)] }
      archive.tensors["forced_labels"] = NamedTensor(
        shape: [teacherForced.count, 2], values: labels)
      archive.tensors["forced_states"] = NamedTensor(
        shape: [teacherForced.count, width], values: teacherForced.flatMap(\.hidden))
    }
    try archive.write(to: path, threads: threads)
  }
}
