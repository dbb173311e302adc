import Testing

@testable import foretoken

@Suite struct ProgressBarTests {
  @Test func `The line looks as tqdm's does`() {
    let line = ProgressBar.line(
      label: "loading", unit: .bytes, done: 40_200_000, total: 100_000_000,
      elapsed: .seconds(10), width: 80)
    #expect(
      line == "loading:  40%|██████████▊                | 40.2/100 MB [00:10<00:14, 4.02 MB/s]")
    let items = ProgressBar.line(
      label: "prompts", unit: .items("prompts"), done: 3, total: 4, elapsed: .seconds(4000),
      width: 200)
    #expect(items.hasSuffix("          | 3/4 [1:06:40<22:13, 0.00 prompts/s]"))
  }

  @Test("It never reaches the last column", arguments: [0, 1, 10, 30, 40, 60, 80, 300])
  func width(_ width: Int) {
    for done in [0, 1, 999, 1000] {
      let line = ProgressBar.line(
        label: "packing model", unit: .bytes, done: done, total: 1000, elapsed: .seconds(2),
        width: width)
      #expect(line.count < max(width, 1))
    }
  }

  @Test func `Nothing done and nothing to do are shares like any other`() {
    let none = ProgressBar.line(
      label: "x", unit: .bytes, done: 0, total: 10, elapsed: .zero, width: 60)
    #expect(none.hasPrefix("x:   0%|") && none.hasSuffix("[00:00<?, 0 B/s]"))
    let empty = ProgressBar.line(
      label: "x", unit: .bytes, done: 0, total: 0, elapsed: .seconds(1), width: 60)
    #expect(empty.hasPrefix("x: 100%|"))
  }

  @Test(
    "Amounts have three digits",
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (9_994, "9.99 kB"), (9_996, "10.0 kB"),
      (999_499, "999 kB"), (999_500, "1.00 MB"), (123_456_789_012, "123 GB"),
    ])
  func amounts(_ bytes: Int, _ text: String) {
    #expect(ByteScale(bytes).text(Double(bytes)) == text)
  }
}
