/// One HTML page with everything in it: it opens from disk, loads nothing and runs nothing.
package struct Page: Sendable {
  package var title: String
  /// What the page says, in a sentence or two.
  package var lead: String
  package var sections: [Section]
  /// The data behind it, as JSON, for programs that read the page.
  package var data: String?

  package init(title: String, lead: String, sections: [Section], data: String? = nil) {
    self.title = title
    self.lead = lead
    self.sections = sections
    self.data = data
  }

  package struct Section: Sendable {
    package var title: String
    package var blocks: [Block]

    package init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  package enum Block: Sendable {
    case paragraph(String)
    case list([String])
    /// Names and what they stand for.
    case facts([(name: String, value: String)])
    case table(Table, caption: String)
    /// A picture with its numbers.
    case figure(Chart, Table)
  }

  package var html: String {
    var figures = 0
    let sections = sections.map { section in
      let blocks = section.blocks.map { block in
        if case .figure = block { figures += 1 }
        return html(block, figure: figures)
      }
      return "<section>\n<h2>\(Markup.escaped(section.title))</h2>\n"
        + blocks.joined() + "</section>\n"
    }
    // In a script element only "</" and "<!--" could end or hide what follows.
    let data = data.map { json in
      let parts = json.split(separator: "<", omittingEmptySubsequences: false)
      return "<script type=\"application/json\" id=\"data\">\n"
        + parts.joined(separator: "\\u003c") + "\n</script>\n"
    }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(Markup.escaped(title))</title>
      <style>
      \(Self.stylesheet)</style>
      </head>
      <body>
      <main>
      <h1>\(Markup.escaped(title))</h1>
      <p class="lead">\(Markup.escaped(lead))</p>
      \(sections.joined())</main>
      \(data ?? "")</body>
      </html>

      """
  }

  private func html(_ block: Block, figure: Int) -> String {
    switch block {
    case .paragraph(let text):
      return "<p>\(Markup.escaped(text))</p>\n"
    case .list(let items):
      let items = items.map { "<li>\(Markup.escaped($0))</li>\n" }
      return "<ul>\n\(items.joined())</ul>\n"
    case .facts(let facts):
      let facts = facts.map {
        "<dt>\(Markup.escaped($0.name))</dt><dd>\(Markup.escaped($0.value))</dd>\n"
      }
      return "<dl>\n\(facts.joined())</dl>\n"
    case .table(let table, let caption):
      return table.html(caption: caption)
    case .figure(let chart, let table):
      return """
        <figure>
        <figcaption>\(Markup.escaped(chart.title))</figcaption>
        <p class="summary">\(Markup.escaped(chart.summary))</p>
        \(chart.svg(id: "figure-\(figure)"))
        <details><summary>The numbers</summary>
        \(table.html(caption: chart.title))</details>
        </figure>

        """
    }
  }
}

extension Table {
  /// A table element that scrolls on its own where it is too wide.
  package func html(caption: String) -> String {
    let alignments = columns.map { $0.kind == .text ? "" : " class=\"number\"" }
    let titles = zip(columns, alignments).map { column, alignment in
      "<th scope=\"col\"\(alignment)>\(Markup.escaped(column.title))</th>"
    }
    let rows = cells.map { cells in
      let cells = cells.indices.map { index in
        // The first column names the row.
        let name = index == 0 ? "th scope=\"row\"" : "td"
        let end = index == 0 ? "th" : "td"
        return "<\(name)\(alignments[index])>\(Markup.escaped(cells[index]))</\(end)>"
      }
      return "<tr>\(cells.joined())</tr>\n"
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="\(Markup.escaped(caption))">
      <table>
      <caption>\(Markup.escaped(caption))</caption>
      <thead><tr>\(titles.joined())</tr></thead>
      <tbody>
      \(rows.joined())</tbody>
      </table>
      </div>

      """
  }
}
