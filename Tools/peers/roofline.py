"""What a step must do at least (bytes, multiply-adds, joins of the workers), and how near Foretoken
comes to the time of it. The shapes are known, so only the speeds are measured."""

import statistics

import models

VALUE = 4  # bytes of a value in the key/value cache
PASS = 256  # tokens that go through the layers together
WORTHWHILE = 1 << 14  # elements below which work is not shared: TransformerModel.isWorthwhile


def joins(name: str, tokens: int, context: int) -> int:
    """Of the workers: four products a layer and one for the logits, and what is worth sharing."""
    hidden, layers, heads, key_value_heads, inner = models.SHAPES[name]
    total, start = 1, context
    while tokens > 0:
        n = min(tokens, PASS)
        shared = 4 + (n * (start + (n + 1) / 2) * hidden > WORTHWHILE)  # and attention
        if n > 1:  # two norms, the rotation, the activation
            projected = hidden + 2 * key_value_heads * hidden // heads
            shared += sum(n * width > WORTHWHILE for width in (hidden, hidden, projected, inner))
        total, start, tokens = total + layers * shared, start + n, tokens - n
    return total


def work(name: str, weight_bytes: int, parameters: int, tokens: int, context: int) -> dict:
    """Of a forward over `tokens` tokens after `context`, with a row of logits for each."""
    hidden, layers, heads, key_value_heads, _ = models.SHAPES[name]
    size = hidden // heads
    seen = context + (tokens + 1) / 2  # positions that a token sees, in the mean
    return {
        "bytes": weight_bytes + 2 * VALUE * layers * key_value_heads * size * (context + tokens),
        "multiply_adds": tokens * (parameters + 2 * layers * hidden * seen),
        "joins": joins(name, tokens, context)}


HEADER = ["", "MB", "M mul-adds", "joins", "bytes alone, ms", "arithmetic alone, ms",
          "measured, ms", "share of the larger"]


def rows(key: str, rounds: list[dict]) -> tuple[list[list[str]], float, float]:
    """Rows for the steps of one model, medians over rounds; bytes and multiply-adds a second."""
    def middle(value) -> float:
        return statistics.median(value(run["Foretoken"]) for run in rounds)

    first = rounds[0]["Foretoken"]
    name = key.split()[0]
    bandwidth = middle(lambda run: run["weight_bytes"] / run["floor"])
    steps = [(part, step["tokens"], step["context"])
             for part in ("verify", "prefill") for step in first[part]]

    def needs(part: str, tokens: int, context: int) -> dict:
        need = work(name, first["weight_bytes"], first["parameters"], tokens, context)
        if part == "prefill":  # one row of logits
            need["multiply_adds"] -= (tokens - 1) * models.VOCABULARY * models.SHAPES[name][0]
        return need

    def seconds(part: str, tokens: int, context: int) -> float:
        return middle(lambda run: next(
            step["median"] for step in run[part]
            if (step["tokens"], step["context"]) == (tokens, context)))

    # Not the CPU's peak, which nobody measures here, but the fastest arithmetic of any step.
    peak = max(needs(*step)["multiply_adds"] / seconds(*step) for step in steps)
    out = []
    for part, tokens, context in steps:
        if part == "verify" and tokens not in (1, 2, 4, 8, 16):
            continue
        need = needs(part, tokens, context)
        memory, arithmetic = need["bytes"] / bandwidth, need["multiply_adds"] / peak
        measured = seconds(part, tokens, context)
        what = f"{tokens} tokens" if tokens > 1 else "1 token"
        out.append([
            f"prefill {tokens}" if part == "prefill" else f"{what} after {context}",
            f"{need['bytes'] / 1e6:.1f}", f"{need['multiply_adds'] / 1e6:.0f}", str(need["joins"]),
            f"{memory * 1e3:.3f}", f"{arithmetic * 1e3:.3f}", f"{measured * 1e3:.3f}",
            f"{max(memory, arithmetic) / measured:.0%}"])
    return out, bandwidth, peak
