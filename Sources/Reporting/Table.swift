/// Rows of values. A column says how its values are shown to people; programs get them as they are.
package struct Table: Sendable {
  package enum Value: Sendable, Equatable {
    case text(String)
    case number(Double)
    case estimate(Estimate)
    /// Not measured, or not defined.
    case missing

    package static func count(_ value: Int) -> Value { .number(Double(value)) }
    package static func number(_ value: Double?) -> Value { value.map { .number($0) } ?? .missing }
    package static func estimate(_ value: Estimate?) -> Value {
      value.map { .estimate($0) } ?? .missing
    }
  }

  package struct Column: Sendable {
    package enum Kind: Sendable, Equatable {
      case text
      case number(NumberFormat)
      /// A number with its interval; three fields in files for programs.
      case estimate(NumberFormat)
    }

    /// As people read it.
    package var title: String
    /// As programs read it: lower case and underscores.
    package var key: String
    package var kind: Kind

    package init(_ title: String, key: String, _ kind: Kind = .text) {
      self.title = title
      self.key = key
      self.kind = kind
    }

    /// The value as this column shows it.
    package func text(_ value: Value) -> String {
      switch (value, kind) {
      case (.text(let text), _): text
      case (.number(let number), .number(let format)), (.number(let number), .estimate(let format)):
        format.text(number)
      case (.estimate(let estimate), .number(let format)),
        (.estimate(let estimate), .estimate(let format)):
        "\(format.text(estimate.value)) [\(format.text(estimate.low)), "
          + "\(format.text(estimate.high))]"
      case (.number(let number), .text): number.description
      case (.estimate(let estimate), .text): estimate.value.description
      case (.missing, _): "-"
      }
    }

    /// The value, spread over the column's fields; nil where there is none.
    fileprivate func fields(_ value: Value) -> [(key: String, value: Value)] {
      guard case .estimate = kind else { return [(key, value)] }
      let parts: [Value] =
        if case .estimate(let estimate) = value {
          [.number(estimate.value), .number(estimate.low), .number(estimate.high)]
        } else {
          [value, .missing, .missing]
        }
      return Array(zip([key, key + "_low", key + "_high"], parts))
    }
  }

  package var columns: [Column]
  /// As many values in each as there are columns.
  package var rows: [[Value]]

  package init(columns: [Column], rows: [[Value]]) {
    self.columns = columns
    self.rows = rows
  }

  /// The columns in which some row has a value.
  package func droppingEmptyColumns() -> Table {
    let kept = columns.indices.filter { column in
      rows.contains { $0[column] != .missing }
    }
    return Table(columns: kept.map { columns[$0] }, rows: rows.map { row in kept.map { row[$0] } })
  }
}

extension Table {
  /// For a terminal: columns aligned by spaces, a rule under the titles.
  package var text: String {
    let widths = widths
    let rule = widths.map { String(repeating: "─", count: $0) }
    return ([columns.map(\.title), rule] + cells).map { cells in
      let line = aligned(cells, widths).joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }

  /// GitHub's flavour of Markdown, aligned in the source too.
  package var markdown: String {
    let escaped = Table(
      columns: columns,
      rows: cells.map { $0.map { .text(Self.replacing("|", by: "\\|", in: $0)) } })
    let widths = escaped.widths.map { max($0, 3) }
    let rule = columns.indices.map { index in
      let dashes = String(repeating: "-", count: widths[index] - 1)
      return columns[index].kind == .text ? dashes + "-" : dashes + ":"
    }
    return ([columns.map(\.title), rule] + escaped.cells).map { cells in
      "| " + aligned(cells, widths).joined(separator: " | ") + " |\n"
    }.joined()
  }

  /// RFC 4180 with a line of keys; numbers in full, nothing for what is missing.
  package var csv: String {
    let keys = columns.flatMap { $0.fields(.missing).map(\.key) }
    let lines = rows.map { row in
      fields(of: row).map { field -> String in
        switch field.value {
        case .text(let text): Self.quoted(text)
        case .number(let number): Self.shortest(number)
        case .estimate, .missing: ""
        }
      }
    }
    return ([keys] + lines).map { $0.joined(separator: ",") + "\n" }.joined()
  }

  /// An array of objects, one a line, with the keys in the order of the columns.
  package var json: String {
    let objects = rows.map { row in
      let members = fields(of: row).map { field -> String in
        let value =
          switch field.value {
          case .text(let text): JSONText.string(text)
          case .number(let number) where number.isFinite: Self.shortest(number)
          case .number, .estimate, .missing: "null"
          }
        return "\(JSONText.string(field.key)): \(value)"
      }
      return "  {" + members.joined(separator: ", ") + "}"
    }
    return objects.isEmpty ? "[]\n" : "[\n" + objects.joined(separator: ",\n") + "\n]\n"
  }

  /// What each cell shows.
  package var cells: [[String]] {
    rows.map { row in zip(columns, row).map { $0.text($1) } }
  }

  private var widths: [Int] {
    let cells = cells
    return columns.indices.map { index in
      cells.reduce(columns[index].title.count) { max($0, $1[index].count) }
    }
  }

  private func aligned(_ cells: [String], _ widths: [Int]) -> [String] {
    columns.indices.map { index in
      let space = String(repeating: " ", count: max(0, widths[index] - cells[index].count))
      return columns[index].kind == .text ? cells[index] + space : space + cells[index]
    }
  }

  private func fields(of row: [Value]) -> [(key: String, value: Value)] {
    zip(columns, row).flatMap { $0.fields($1) }
  }

  private static func quoted(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else {
      return text
    }
    return "\"" + replacing("\"", by: "\"\"", in: text) + "\""
  }

  private static func replacing(
    _ character: Character, by text: String, in whole: String
  ) -> String {
    whole.split(separator: character, omittingEmptySubsequences: false).joined(separator: text)
  }

  /// The fewest digits that are this number when they are read; whole numbers without a point.
  private static func shortest(_ number: Double) -> String {
    if number == number.rounded(), abs(number) < 1e15 { return "\(Int(number))" }
    return number.description
  }
}
