import Decoding
import Learning
import Support
import Testing
import Transformer

/// Small trained networks and their samples, written and read again.
@Suite struct TensorArchiveTests {
  @Test func `Heads come back from their file as they were`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("heads.safetensors.zst")
    let layers = [Layer].multilayer([6, 4, 1])
    func trees(_ width: Int) throws -> TreeEnsemble {
      var table = FeatureTable(denseWidth: width)
      for row in 0..<40 { try table.append(dense: Array(repeating: Float(row), count: width)) }
      return try GradientBooster(
        training: table, targets: (0..<40).map { $0 < 15 ? 0 : 1 },
        settings: BoostingSettings(trees: 2, minimumLeafWeight: 1)
      ).fit(.logOdds)
    }
    var file = HeadFile(
      specDecPlusPlus: try DenseNetwork(.specDecPlusPlusHead(width: 6), seed: 1),
      heads: AcceptanceHeads(
        beforeDraw: try DenseNetwork(layers, seed: 2),
        afterFeeding: try DenseNetwork(layers, seed: 3),
        trees: AcceptanceHeads.Trees(
          beforeDraw: try trees(AcceptanceHeads.Evidence.beforeCount),
          afterFeeding: try trees(AcceptanceHeads.Evidence.afterCount))),
      estimator: AcceptanceEstimator(), provenance: "a test")
    file.estimator?.learn(
      acceptance: 0.25, depth: 1, beforeDraw: SIMD8(repeating: 1), afterFeeding: nil, previous: nil,
      matchLength: nil)
    try file.write(to: path)
    let read = try HeadFile(contentsOf: path, hiddenSize: 6)
    #expect(read.specDecPlusPlus == file.specDecPlusPlus)
    #expect(read.heads?.beforeDraw == file.heads?.beforeDraw)
    #expect(read.heads?.afterFeeding == file.heads?.afterFeeding)
    #expect(read.heads?.trees == file.heads?.trees && read.heads?.trees != nil)
    #expect(read.estimator?.beforeDraw == file.estimator?.beforeDraw)
    #expect(read.provenance == "a test")
    let error = #expect(throws: ModelError.self) {
      try HeadFile(contentsOf: path, hiddenSize: 8)
    }
    #expect(error?.code == .mismatch)
  }

  @Test func `Samples come back from their file as they were`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("samples.safetensors.zst")
    var file = HeadSampleFile()
    for index in 0..<40 {
      let number = Double(index) / 64
      let summary = LogitsSummary(
        topProbability: number, secondProbability: number / 2, entropy: 2)
      let isFed = index % 3 > 0
      file.onPolicy.append(
        HeadSample(
          before: [Float(index), 1, -2], after: isFed ? [0.5, Float(index), 3] : nil,
          acceptance: number, outcome: [.unreached, .rejected, .kept][index / 5 % 3],
          depth: index % 5, temperature: number, confidence: 1 - number,
          summary: summary, nextSummary: isFed ? summary : nil))
      file.prompts.append(index / 4)
      file.teacherForced.append(
        TeacherForcing.Sample(hidden: [1, 2, Float(index)], acceptance: number))
      file.forcedPrompts.append(index / 8)
    }
    try file.write(to: path, threads: 2)
    let read = try HeadSampleFile(contentsOf: path)
    #expect(read.onPolicy == file.onPolicy && read.prompts == file.prompts)
    #expect(read.teacherForced == file.teacherForced)
    #expect(read.forcedPrompts == file.forcedPrompts)
  }

  @Test func `A sample that holds no number is refused by its place`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("samples.safetensors.zst")
    for value in [Double.nan, .infinity, 1e20] {
      var file = HeadSampleFile()
      for temperature in [0, value] {
        file.onPolicy.append(
          HeadSample(
            before: [1], after: nil, acceptance: 1, outcome: .kept, depth: 0,
            temperature: temperature, confidence: 1,
            summary: LogitsSummary(topProbability: 1, secondProbability: 0, entropy: 0),
            nextSummary: nil))
        file.prompts.append(0)
      }
      try file.write(to: path, threads: 1)
      let error = #expect(throws: ModelError.self) { try HeadSampleFile(contentsOf: path) }
      #expect(error?.code == .malformed && error?.description.contains("sample 1") == true)
    }
  }
}
