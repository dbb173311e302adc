extension Page {
  /// Two sets of colours for one set of rules. The eight colours of series are told apart by people
  /// with any common form of colour blindness (after Okabe & Ito, 2008), and stand off from the
  /// background by at least 3 to 1 in both sets (WCAG 2.1, 1.4.11).
  static let stylesheet = """
    :root {
      color-scheme: light dark;
      --paper: #ffffff; --ink: #1b1f24; --soft: #59636e; --line: #d8dee4; --raised: #f6f8fa;
      --c0: #0072b2; --c1: #c4530a; --c2: #00795b; --c3: #a8508a;
      --c4: #8a6d00; --c5: #3a86c8; --c6: #6f5bb5; --c7: #5c6670;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #0f1419; --ink: #e4e9ee; --soft: #9aa5b1; --line: #303a45; --raised: #182028;
        --c0: #56b4e9; --c1: #ff9a52; --c2: #3fcf9d; --c3: #ec9cc9;
        --c4: #f0d04a; --c5: #8ab8ff; --c6: #b6a5f5; --c7: #a9b4bf;
      }
    }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%;
    }
    main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0; }
    h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; }
    p, li, dl { max-width: 60rem; }
    .lead { font-size: 1.1rem; }
    .summary, caption, dt { color: var(--soft); }
    .summary { margin: 0.25rem 0 0.5rem; }
    .figures {
      display: grid; gap: 2rem; align-items: start;
      grid-template-columns: repeat(auto-fill, minmax(min(100%, 34rem), 1fr));
    }
    figure { margin: 0; min-width: 0; }
    figcaption { font-weight: 600; }
    details { margin-top: 0.25rem; }
    summary { cursor: pointer; color: var(--soft); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; margin: 0; }
    dd { margin: 0; overflow-wrap: anywhere; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
    caption { text-align: left; padding: 0.5rem 0; }
    th, td { padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; white-space: nowrap; }
    thead th { border-bottom: 1px solid var(--soft); vertical-align: bottom; }
    tbody th { font-weight: 400; }
    tbody tr { border-bottom: 1px solid var(--line); }
    .number { text-align: right; }
    svg { display: block; width: 100%; height: auto; max-width: 44rem; }
    svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
    svg .axis-title { fill: var(--soft); }
    svg .value { font-size: 11px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
    .series-0 { --c: var(--c0); } .series-1 { --c: var(--c1); } .series-2 { --c: var(--c2); }
    .series-3 { --c: var(--c3); } .series-4 { --c: var(--c4); } .series-5 { --c: var(--c5); }
    .series-6 { --c: var(--c6); } .series-7 { --c: var(--c7); } .muted { --c: var(--soft); }
    .grid { stroke: var(--line); } .axis { stroke: var(--soft); }
    .bar, .dot { fill: var(--c); }
    .band { fill: var(--c); opacity: 0.18; }
    .line { fill: none; stroke: var(--c); stroke-width: 2; }
    .dashed { stroke-dasharray: 4 4; stroke-width: 1.5; }
    .leader { stroke: var(--soft); stroke-width: 0.75; }
    .whisker { stroke: var(--ink); stroke-width: 1.5; }
    @media print { details > * { display: block; } }

    """
}
