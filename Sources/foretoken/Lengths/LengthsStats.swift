import ArgumentParser
import Reporting
import Workload

/// Characterises rows as the CASTILLO paper does, and adds what it lacks: the noise floor.
struct LengthsStats: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Tables of CASTILLO rows: means, spread, runaway answers, and the noise floor.")

  @OptionGroup var files: LengthRowFiles

  @Option(help: "How to print: \(TableFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = TableFormat.table

  @Option(help: "Also write one HTML page with tables and pictures to this file.")
  var html: String?

  @Flag(help: "Set the figures of the CASTILLO paper beside the rows' own.")
  var published = false

  @Flag(help: "Only check that every row follows from its own lengths and text.")
  var check = false

  func run() throws {
    try Failure.reported {
      let rows = try files.read()
      if check { return try check(rows) }
      let report = LengthReport(rows, showsPublished: published)
      print(format.render(report.sections), terminator: "")
      if let html { try TextFile.write(report.page.html, to: html) }
    }
  }

  private func check(_ rows: [LengthRow]) throws {
    let texts = try files.readPrompts()
    var problems: [(LengthRow, String)] = []
    var withText = 0
    for row in rows {
      let text = row.promptText ?? texts[row.promptID]
      if text != nil { withText += 1 }
      if let key = row.inconsistentKey(prompt: text) { problems.append((row, key)) }
    }
    print(
      "\(rows.count) rows, \(withText) of them with the prompt's text: "
        + "\(problems.count) do not follow from their lengths and text")
    for (row, key) in problems.prefix(10) { print("  sample \(row.sampleID): \(key)") }
    if !problems.isEmpty { throw ExitCode(Failure.badData) }
  }
}
