"""V(n) of everybody as an SVG line chart."""

import statistics
from html import escape

COLOURS = {"Foretoken": "#2563c9", "llama.cpp": "#d9822b", "transformers": "#7a869a"}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 460, 280, 52, 40, 34, 16


def curves(rounds: list[dict], context: int) -> dict[str, list[tuple[int, float]]]:
    """For everybody, milliseconds of a forward over n tokens: the median over rounds."""
    out = {}
    for who in (who for who in rounds[0] if all(who in run for run in rounds)):
        widths = [s["tokens"] for s in rounds[0][who]["verify"] if s["context"] == context]
        out[who] = [
            (width, 1e3 * statistics.median(
                step["median"] for run in rounds for step in run[who]["verify"]
                if step["tokens"] == width and step["context"] == context))
            for width in widths]
    return out


def verification(key: str, rounds: list[dict]) -> str:
    context = min(step["context"] for step in rounds[0]["Foretoken"]["verify"])
    lines = curves(rounds, context)
    most = max(value for line in lines.values() for _, value in line)
    widest = max(width for line in lines.values() for width, _ in line)

    def place(width: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * width / widest
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / most
        return round(x, 1), round(y, 1)

    def text(x: float, y: float, content: str, more: str = "") -> str:
        return f"<text x='{x}' y='{y}' fill='currentColor' {more}>{escape(content)}</text>"

    parts = [text(LEFT, 18, f"{key}: ms for n tokens, context {context}", "font-weight='600'")]
    for k in range(5):
        value = most * k / 4
        x, y = place(0, value)
        parts.append(f"<path d='M{x} {y}H{WIDTH - RIGHT}' stroke='currentColor' opacity='.15'/>")
        parts.append(text(x - 6, y + 4, f"{value:.3g}", "text-anchor='end'"))
    for width in (1, 4, 8, 12, 16):
        if width <= widest:
            x, y = place(width, 0)
            parts.append(text(x, y + 18, str(width), "text-anchor='middle'"))
    for k, (who, line) in enumerate(lines.items()):
        colour = COLOURS.get(who, "#000")
        points = " ".join(f"{x},{y}" for x, y in (place(*point) for point in line))
        parts.append(f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2'/>")
        parts.append(f"<text x='{LEFT + 12}' y='{TOP + 16 + 17 * k}' fill='{colour}'>{escape(who)}</text>")
    return (f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' "
            f"font-family='system-ui, sans-serif' font-size='12'>{''.join(parts)}</svg>")
