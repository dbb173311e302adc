import Reporting
import Testing

@Suite struct PageTests {
  static let page = Page(
    title: "Speed <of> \"things\"", lead: "a & b",
    sections: [
      Page.Section(
        "Results",
        [
          .paragraph("1 < 2"), .list(["one"]), .facts([("CPU", "some & other")]),
          .table(TableTests.table, caption: "All of it"),
          .figure(ChartTests.bars, TableTests.table),
          .figure(ChartTests.bars, TableTests.table),
        ])
    ], data: "{\"text\": \"</script><!--\"}")

  @Test func `Every element that opens closes, in order`() throws {
    try #require(Self.page.html.hasPrefix("<!DOCTYPE html>\n"))
    let void: Set = ["meta", "!DOCTYPE"]
    var open: [String] = []
    for piece in Self.page.html.split(separator: "<") {
      guard let tag = piece.split(separator: ">", omittingEmptySubsequences: false).first,
        piece.contains(">")
      else { continue }
      if tag.hasPrefix("/") {
        #expect(open.popLast() == String(tag.dropFirst()))
      } else if !tag.hasSuffix("/") {
        let name = String(tag.prefix { $0 != " " })
        if !void.contains(name) { open.append(name) }
      }
    }
    #expect(open.isEmpty, "\(open)")
  }

  @Test func `Nothing is loaded from anywhere and nothing runs`() {
    let html = Self.page.html
    #expect(html.contains("default-src 'none'"))
    for reference in ["http://", "https://", "src=", "href=", "url(", "@import", "onload"] {
      #expect(!html.contains(reference), "\(reference)")
    }
    #expect(html.components("<script") == 1)
    #expect(html.contains("{\"text\": \"\\u003c/script>\\u003c!--\"}"))
  }

  @Test func `Text is shown as it is, not read as markup`() {
    let html = Self.page.html
    #expect(html.contains("<h1>Speed &lt;of&gt; &quot;things&quot;</h1>"))
    #expect(html.contains("<p>1 &lt; 2</p>"))
    #expect(html.contains("<dt>CPU</dt><dd>some &amp; other</dd>"))
  }

  @Test func `Each picture has a name, a description, its numbers and an identifier of its own`() {
    let html = Self.page.html
    for figure in 1...2 {
      #expect(html.contains("aria-labelledby=\"figure-\(figure)-title figure-\(figure)-desc\""))
      #expect(html.components("id=\"figure-\(figure)-title\"") == 1)
    }
    #expect(html.components("<details>") == 2 && html.components("<caption>") == 3)
  }

  @Test func `Both sets of colours name the same things`() throws {
    let page = Self.page.html
    let begin = try #require(page.ranges(of: "<style>").first).upperBound
    let end = try #require(page.ranges(of: "</style>").first).lowerBound
    let style = page[begin..<end]
    let names = style.ranges(of: "--").map { range in
      String(style[range.upperBound...].prefix { $0.isLetter || $0.isNumber })
    }
    for name in Set(names) where name != "c" {
      #expect(style.ranges(of: "--\(name): #").count == 2, "\(name)")
    }
  }
}
