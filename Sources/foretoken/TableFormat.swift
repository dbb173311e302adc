import ArgumentParser
import Reporting

/// How a command prints its tables.
enum TableFormat: String, CaseIterable, ExpressibleByArgument {
  case table, markdown, json, csv

  /// A table under its title. Programs that read several CSV tables get them apart by a blank line.
  func render(_ sections: [(title: String, key: String, table: Table)]) -> String {
    switch self {
    case .table: sections.map { "\($0.title)\n\n\($0.table.text)" }.joined(separator: "\n")
    case .markdown:
      sections.map { "### \($0.title)\n\n\($0.table.markdown)" }.joined(separator: "\n")
    case .csv: sections.map(\.table.csv).joined(separator: "\n")
    case .json:
      "{\n" + sections.map { "\"\($0.key)\": \($0.table.json.dropLast())" }.joined(separator: ",\n")
        + "\n}\n"
    }
  }
}
