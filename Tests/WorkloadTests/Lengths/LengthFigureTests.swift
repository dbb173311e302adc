import Testing

@testable import Workload

@Suite("Figures of rows")
struct LengthFigureTests {
  @Test("the published table has thirteen models on seven corpora")
  func published() throws {
    let all = PublishedLengths.castillo
    #expect(all.count == 13 * 7)
    #expect(Set(all.map(\.model)).count == 13)
    let chat = try #require(
      all.first { $0.model == "google--gemma-3-12b-it" && $0.dataset == "ShareGPT" })
    #expect(chat.mean == 1251.4 && chat.standardDeviation == 138.1)
    let code = try #require(
      all.first { $0.model == "meta-llama--Llama-3.2-3B-Instruct" && $0.dataset == "Mbpp" })
    #expect(code.mean == 107 && code.standardDeviation == 37.3)
  }

  @Test("the floor's ranked probability score is that of the other draws, by hand")
  func floorScore() throws {
    // |20 - 10| and |30 - 10| average 15; half of the mean distance of 20 and 30 is 5.
    let floor = try #require(NoiseFloor([Rows.row(sizes: [10, 20, 30])]))
    #expect(floor.rankedProbability == 10)
    #expect(floor.kendallTauInWindows == nil)
    // One other draw is a point: the score is its distance.
    #expect(try #require(NoiseFloor([Rows.row(sizes: [10, 40])])).rankedProbability == 30)
  }

  @Test("windows of perfectly ranked pairs have a tau of one, of reversed ones minus one")
  func windows() {
    let values = (0..<100).map(Double.init)
    #expect(rankCorrelation(values, values, window: 32, seed: 1) == 1)
    #expect(rankCorrelation(values, values.map { -$0 }, window: 32, seed: 1) == -1)
    #expect(rankCorrelation([1, 2], [1, 2], window: 32, seed: 1) == nil)
  }

  @Test("examples are of prompts that the most models answered, from alike to unlike")
  func examples() {
    var rows = [Rows.row(model: "a", prompt: "alone", sizes: [5])]
    for (index, factor) in [4, 1, 2, 3].enumerated() {
      rows.append(Rows.row(model: "a", prompt: "\(index)", sizes: [10]))
      rows.append(Rows.row(model: "b", prompt: "\(index)", sizes: [10 * factor]))
    }
    let shown = PromptExample.spread(rows, count: 3)
    #expect(shown.map { $0.answers["b"]?.mean } == [10, 20, 40])
    #expect(shown.allSatisfy { $0.answers.count == 2 })
    #expect(PromptExample.spread([], count: 3).isEmpty)
  }
}
