"""What `foretoken-bench engine --json` prints, measured of another engine: the same object, the
same order of work, each forward twice and the second counted."""

import time
from collections.abc import Callable


def quartiles(samples: list[float]) -> tuple[float, float, float]:
    ordered = sorted(samples)
    return tuple(ordered[int((len(ordered) - 1) * share + 0.5)] for share in (0.25, 0.5, 0.75))


def step(tokens: int, context: int, samples: list[float]) -> dict:
    low, middle, high = quartiles(samples)
    return {"tokens": tokens, "context": context, "lower_quartile": low, "median": middle,
            "upper_quartile": high}


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def prompt(count: int, vocabulary: int) -> list[int]:
    return [k * 31 % vocabulary for k in range(count)]


def measure(engine, contexts: list[int], widths: list[int], prefills: list[int],
            repeats: int) -> dict:
    """`engine` has `forward(tokens, rows)` (at the end of its cache), `truncate(length)`,
    `draft_step()`, `samplers` (name to action), `vocabulary` and `facts`."""
    tokens = prompt(max(contexts + prefills + widths), engine.vocabulary)
    verify = {(c, w): [] for c in contexts for w in widths}
    prefill = {p: [] for p in prefills}
    drafts: list[float] = []
    for round_ in range(repeats + 1):
        for count in prefills:
            engine.truncate(0)
            seconds = timed(lambda: engine.forward(tokens[:count], 1))
            if round_:
                prefill[count].append(seconds)
        length = prefills[-1] if prefills else 0
        for context in sorted(contexts, reverse=True):  # the longest is cut down to the others
            engine.truncate(min(length, context))
            for start in range(length, context, 512):
                engine.forward(tokens[start:min(start + 512, context)], 1)
            length = context
            for width in widths:
                for second in (False, True):
                    seconds = timed(lambda: engine.forward(tokens[:width], width))
                    engine.truncate(context)
                    if round_ and second:
                        verify[context, width].append(seconds)
            if context == contexts[0]:
                for second in (False, True):
                    seconds = timed(engine.draft_step)
                    engine.truncate(context)
                    if round_ and second:
                        drafts.append(seconds)
    engine.truncate(0)
    engine.forward(tokens[:16], 1)
    calls = 50
    sampling = {
        f"{name}_sampling": quartiles([
            timed(lambda: [sample() for _ in range(calls)]) / calls
            for _ in range(max(repeats, 3))])[1]
        for name, sample in engine.samplers.items()}
    return engine.facts | sampling | {
        "verify": [step(w, c, samples) for (c, w), samples in verify.items()],
        "prefill": [step(p, 0, samples) for p, samples in prefill.items()],
        "draft_step": step(1, contexts[0], drafts)}
