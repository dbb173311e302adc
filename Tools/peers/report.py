"""result.json as tables in Markdown and on one HTML page that needs nothing else."""

import json
import statistics
from dataclasses import dataclass
from html import escape
from pathlib import Path

import charts
import roofline

OURS = "Foretoken"


@dataclass
class Table:
    title: str
    note: str
    header: list[str]
    rows: list[list[str]]


def spread(values: list[float], scale: float = 1, digits: int = 2, unit: str = "") -> str:
    """The median and the range."""
    values = [value * scale for value in values if value is not None]
    if not values:
        return ""
    middle = f"{statistics.median(values):.{digits}f}{unit}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def ratio(theirs: list[float], ours: list[float]) -> str:
    """How many times longer they take, round by round."""
    return spread([a / b for a, b in zip(theirs, ours)], unit="x")


# Engine

def median(run: dict, part: str, tokens: int, context: int) -> float | None:
    return next((step["median"] for step in run[part]
                 if step["tokens"] == tokens and step["context"] == context), None)


def engine_measures(rounds: list[dict]) -> list[tuple]:
    """Name, what it is of one run (given ours of the same round), scale, digits, whether less is
    better."""
    verify = rounds[0][OURS]["verify"]
    contexts = sorted({step["context"] for step in verify})
    widths = sorted({step["tokens"] for step in verify})

    def decode(context):
        return lambda run, ours: median(run, "verify", 1, context)

    def share(run, ours):
        floor = ours["floor"] * run["weight_bytes"] / ours["weight_bytes"]
        return floor / median(run, "verify", 1, contexts[0])

    def large_share(run, ours):
        floor = ours["large_read"] * run["weight_bytes"] / 256e6
        return floor / median(run, "verify", 1, contexts[0])

    def growth(width):
        return lambda run, ours: (
            median(run, "verify", width, contexts[0]) / median(run, "verify", 1, contexts[0]))

    measures = [(f"decode at context {c}, ms", decode(c), 1e3, 3, True) for c in contexts]
    measures += [
        ("share of the bandwidth floor, %", share, 100, 1, False),
        ("the same by the bandwidth of 256 MB, %", large_share, 100, 1, False)]
    measures += [(f"V({w}) / V(1)", growth(w), 1, 2, None) for w in widths[1:]]
    measures += [(f"V({w}), ms", lambda run, ours, w=w: median(run, "verify", w, contexts[0]), 1e3,
                  3, True) for w in (4, 8, 16) if w in widths]
    for step in rounds[0][OURS]["prefill"]:
        n = step["tokens"]
        measures.append((f"prefill {n}, ms", lambda run, ours, n=n: median(run, "prefill", n, 0),
                         1e3, 1, True))
        measures.append((
            f"prefill {n}, GFLOP/s",
            lambda run, ours, n=n: 2e-9 * ours["parameters"] * n / median(run, "prefill", n, 0),
            1, 0, False))
    measures += [
        ("step and greedy sampling, ms", lambda run, ours: run["draft_step"]["median"], 1e3, 3, True),
        ("greedy sampling, us", lambda run, ours: run["greedy_sampling"], 1e6, 2, True),
        ("top-k, top-p, temperature, us", lambda run, ours: run["chain_sampling"], 1e6, 2, True)]
    return measures


def engine_table(key: str, rounds: list[dict]) -> Table:
    peers = [name for name in ("llama.cpp", "transformers") if all(name in r for r in rounds)]
    header = ["", OURS, *peers, *(f"{peer} / {OURS}" for peer in peers)]
    rows = []
    for name, value, scale, digits, less in engine_measures(rounds):
        values = {who: [value(r[who], r[OURS]) for r in rounds] for who in [OURS, *peers]}
        row = [name, *(spread(values[who], scale, digits) for who in [OURS, *peers])]
        if less is None:
            row += ["" for _ in peers]
        elif less:
            row += [ratio(values[peer], values[OURS]) for peer in peers]
        else:
            row += [ratio(values[OURS], values[peer]) for peer in peers]
        rows.append(row)
    run = rounds[-1][OURS]
    kinds = [f"{who}: {rounds[-1][who]['kernels']}" for who in [OURS, *peers]]
    note = (f"{run['parameters'] / 1e6:.1f} M parameters, {run['weight_bytes'] / 1e6:.1f} MB read a "
            f"step; the threads read {run['weight_bytes'] / run['floor'] / 1e9:.1f} GB/s of a buffer "
            f"of that size and {0.256 / run['large_read']:.1f} GB/s of 256 MB. {len(rounds)} rounds. "
            + "; ".join(kinds) + ". Ratios are of times: above 1, Foretoken is faster.")
    return Table(f"Engine, {key}", note, header, rows)


def roofline_table(key: str, rounds: list[dict]) -> Table:
    rows, bandwidth, peak = roofline.rows(key, rounds)
    return Table(
        f"What a step of {key} must cost",
        f"Bytes of weights and cache at {bandwidth / 1e9:.1f} GB/s (as the threads read a buffer of "
        f"the weights' size), multiply-adds at {peak / 1e9:.0f} G/s (the most of any step here), "
        "and joins of the workers, about a microsecond each.", roofline.HEADER, rows)


# The rest

def start_table(rounds: dict) -> Table:
    rows = []
    for dtype, runs in rounds.items():
        names = list(dict.fromkeys(name for run in runs for name in run))
        first = sorted(name for name in names if name.startswith(OURS))[-1]
        for name in names:
            seconds = [run[name]["seconds"] for run in runs]
            rows.append([f"{dtype}, {name}", spread(seconds, 1e3, 0),
                         ratio(seconds, [run[first]["seconds"] for run in runs])])
    return Table(
        "Start to first token",
        "110 M parameters, files in the page cache. Foretoken's is the whole life of a process, from "
        "exec through reading the tokenizer to the end; of the others only from opening the model to "
        "the token, without starting Python and without a tokenizer. f16 files; q8 is converted by "
        "Foretoken at load and stored in GGUF.", ["", "ms", f"/ {OURS}, .safetensors.zst"], rows)


def speculation_table(rounds: list[dict]) -> Table:
    def speed(answers):
        return sum(len(a["tokens"]) for a in answers) / sum(a["seconds"] for a in answers)

    reference = [run[OURS]["plain"] for run in rounds]
    rows = []
    for who in (who for who in rounds[0] if all(who in run for run in rounds)):
        for mode in sorted(rounds[0][who], key=lambda mode: (mode != "plain", mode)):
            speeds = [speed(run[who][mode]) for run in rounds]
            plain = [speed(run[who if "plain" in run[who] else OURS]["plain"]) for run in rounds]
            same = [sum(a["tokens"] == b["tokens"] for a, b in zip(run[who][mode], expected))
                    for run, expected in zip(rounds, reference)]
            rows.append([
                who, mode, spread(speeds, digits=0), ratio(speeds, plain),
                ratio(speeds, [speed(answers) for answers in reference]),
                f"{min(same)} of {len(reference[0])}"])
    return Table(
        "Speculation with the shipped pair",
        "Greedy answers of up to 128 tokens to the prompts of prompts.txt, reading the prompt "
        "included, all of one length of draft or none. Weights are f16 (transformers: bf16; "
        "\"as it comes\": the shipped bf16, the draft in q8). llama.cpp's loop is that of its "
        "speculative-simple example over its C interface. Engines round differently, so greedy "
        "texts can part; within Foretoken they never do.",
        ["", "draft", "tokens/s", "over its own plain", f"over {OURS} plain", "same text"], rows)


def files_table(result: dict) -> Table:
    size = result["bytes"]
    rows = [
        [name, str(row["bytes"]), f"{row['bytes'] / size:.4f}",
         *("" if row[k] is None else f"{size / row[k] / 1e9:.3f}" for k in ("pack", "decode", "load"))]
        for name, row in result["rows"].items()]
    return Table(
        "Weight files",
        "The shipped target, bf16. GB/s of the plain file; load ends in the panels that the kernels "
        "compute with, decode in bytes." + "".join(
            f" {name} was not there: {why}." for name, why in result["missing"].items()),
        ["", "bytes", "ratio", "pack", "decode", "load"], rows)


def tokenizer_table(result: dict) -> Table:
    rows = [
        [name, spread(speeds, 1e-6, 1), ratio(result["speeds"][OURS], speeds),
         f"{result['different'][name]} of {result['texts']}"]
        for name, speeds in result["speeds"].items()]
    return Table(
        "Tokenizer",
        f"Encoding {result['bytes'] / 1e6:.2f} MB of this repository in {result['texts']} texts with "
        "the shipped tokenizer, one thread." + "".join(
            f" {name} was not there: {why}." for name, why in result["missing"].items()),
        ["", "MB/s", f"{OURS} is faster by", "texts with other ids"], rows)


def tables(result: dict) -> list[Table]:
    engines = result.get("engine", {}).items()
    out = [engine_table(*each) for each in engines] + [roofline_table(*each) for each in engines]
    makers = {"start": start_table, "files": files_table, "tokenizer": tokenizer_table,
              "speculation": lambda section: speculation_table(section["pair"])}
    return out + [make(result[name]) for name, make in makers.items() if name in result]


def markdown(result: dict, shown: list[Table]) -> str:
    parts = ["# Foretoken beside others", facts(result)]
    for table in shown:
        parts += [f"## {table.title}", table.note]
        lines = [table.header, ["---", *("---:" for _ in table.header[1:])], *table.rows]
        parts.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
    return "\n\n".join(parts) + "\n"


def facts(result: dict) -> str:
    m = result["machine"]
    missing = result["missing"]
    return (f"{m['processor']}, {m['cores']} cores, {m['system']}; {result['threads']} threads. Medians "
            "over rounds (range), measured by `Tools/peers/compare.py`, everybody in each round."
            + (f" Not installed: {', '.join(missing)}." if missing else ""))


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2330; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 2rem; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #dde; text-align: right }
th:first-child, td:first-child { text-align: left }
p { max-width: 50rem } figure { margin: 1rem 0; display: inline-block }
@media (prefers-color-scheme: dark) { body { background: #14171d; color: #dde3ee }
  th, td { border-color: #333a48 } }
"""


def page(result: dict, shown: list[Table]) -> str:
    parts = [f"<h1>Foretoken beside others</h1><p>{escape(facts(result))}</p>"]
    parts += [f"<figure>{charts.verification(key, rounds)}</figure>"
              for key, rounds in result.get("engine", {}).items()]
    for table in shown:
        parts.append(f"<h2>{escape(table.title)}</h2><p>{escape(table.note)}</p><table><thead><tr>")
        parts += [f"<th>{escape(cell)}</th>" for cell in table.header]
        parts.append("</tr></thead><tbody>")
        for row in table.rows:
            parts.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>")
        parts.append("</tbody></table>")
    return ("<!doctype html><html lang=en><meta charset=utf-8><title>Foretoken beside others</title>"
            "<meta name=viewport content='width=device-width'>"
            f"<style>{STYLE}</style>{''.join(parts)}</html>\n")


def write(result: dict, out: Path) -> None:
    shown = tables(result)
    (out / "result.json").write_text(json.dumps(result))
    (out / "result.md").write_text(markdown(result, shown))
    (out / "result.html").write_text(page(result, shown))
