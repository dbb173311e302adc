import Reporting
import Testing

@Suite struct TableTests {
  static let table = Table(
    columns: [
      Table.Column("policy", key: "policy"),
      Table.Column("speedup", key: "speedup", .estimate(.times(2))),
      Table.Column("accepted", key: "acceptance_rate", .number(.percent(1))),
    ],
    rows: [
      [.text("fixed-3"), .estimate(Estimate(value: 1.826, low: 1.75, high: 1.9)), .number(0.5758)],
      [.text("a|b, \"c\""), .missing, .missing],
    ])

  @Test func `A terminal gets columns that line up`() {
    #expect(
      Self.table.text == """
        policy               speedup  accepted
        ────────  ──────────────────  ────────
        fixed-3   1.83x [1.75, 1.90]    57.6 %
        a|b, "c"                   -         -

        """)
  }

  @Test func `Markdown says which columns are numbers and keeps bars out of its syntax`() {
    #expect(
      Self.table.markdown == """
        | policy    |            speedup | accepted |
        | --------- | -----------------: | -------: |
        | fixed-3   | 1.83x [1.75, 1.90] |   57.6 % |
        | a\\|b, "c" |                  - |        - |

        """)
  }

  @Test func `CSV has full numbers, three fields for an estimate and quotes where needed`() {
    #expect(
      Self.table.csv == """
        policy,speedup,speedup_low,speedup_high,acceptance_rate
        fixed-3,1.826,1.75,1.9,0.5758
        "a|b, ""c""\",,,,

        """)
  }

  @Test func `JSON has the same keys, and null for what is missing`() {
    #expect(
      Self.table.json == """
        [
          {"policy": "fixed-3", "speedup": 1.826, "speedup_low": 1.75, "speedup_high": 1.9, \
        "acceptance_rate": 0.5758},
          {"policy": "a|b, \\"c\\"", "speedup": null, "speedup_low": null, "speedup_high": null, \
        "acceptance_rate": null}
        ]

        """)
    #expect(Table(columns: Self.table.columns, rows: []).json == "[]\n")
  }

  @Test func `Columns without a value can be left out`() {
    let table = Table(
      columns: Self.table.columns, rows: [[.text("plain"), .missing, .number(1)]])
    #expect(table.droppingEmptyColumns().columns.map(\.key) == ["policy", "acceptance_rate"])
  }

  @Test(
    "Numbers are rounded, and what rounds to nothing has no sign",
    arguments: [
      (1.005, "1.00"), (0.125, "0.13"), (-0.001, "0.00"), (-2.5, "-2.50"), (99.999, "100.00"),
    ])
  func rounding(_ value: Double, _ text: String) {
    #expect(NumberFormat.fixed(2).text(value) == text)
  }

  @Test func `A ratio, a share and a number too large for digits`() {
    #expect(NumberFormat.times(2).text(1.8) == "1.80x")
    #expect(NumberFormat.percent(0).text(0.576) == "58 %")
    #expect(NumberFormat.fixed(0).text(-3.5) == "-4")
    #expect(NumberFormat.fixed(3).text(1e300) == "1e+300")
  }

  @Test func `Strings of JSON keep every character`() {
    #expect(JSONText.string("a\"b\\c\n\u{1}é") == "\"a\\\"b\\\\c\\n\\u0001é\"")
  }
}
