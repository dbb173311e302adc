"""The training corpora: which rows are used, how often, and how a row becomes text.

Only sources of class P (permissive) and O (our own generators, CC0) are read; share-alike and
non-commercial rows never reach the weights.
"""

import io
import json
import random
from pathlib import Path

import zstandard

FILES = [
    "instruct_synth.train.jsonl.zst", "instruct_permissive.train.jsonl.zst",
    "instruct_permissive2.train.jsonl.zst", "text_permissive.train.jsonl.zst",
    "text_permissive2.train.jsonl.zst", "dialog_permissive.train.jsonl.zst",
]
# Chance that a row is used in one pass. The target is small and sees few tokens, so they go where a
# small model becomes coherent: short answers, word problems, beginner's Python.
SHARE = {
    "synth-math": 1.0, "synth-python": 1.0, "synth-misc": 1.0, "gsm8k": 1.0, "alpaca-libre": 1.0,
    "gpteacher-codegen": 0.6, "self-instruct-user": 1.0, "self-instruct-seed": 1.0, "rasbt": 1.0,
    "oasst-sample": 1.0, "mbpp": 1.0, "mathqa-python": 0.4, "openstax-def": 0.5, "tldr": 0.3,
    "openstax-explain": 0.12, "openstax-summary": 0.2, "openstax-qa": 0.15,
    "natural-instructions-v1": 0.15, "commonsenseqa": 0.5, "cruxeval": 0.3,
    "gpteacher-roleplay": 0.3, "gpteacher-toolformer": 0.1, "recipes": 0.5,
    "african-storybook": 1.0, "chatterbot": 0.5, "openstax": 0.05, "self-dialogue": 0.05,
    "synthetic-persona-chat": 0.05, "taskmaster4": 0.05,
}


def permissive_sources(data: Path) -> set[str]:
    """Names of the sources whose class is P or O."""
    table = json.loads((data / "sources.json").read_text())
    names = {name for name, entry in table.items() if entry["cls"] in ("P", "O")}
    # sources.json splits OpenStax by book; rows carry the group's name, and all books are class P.
    if all(e["cls"] == "P" for n, e in table.items() if n.startswith("openstax")):
        names |= {"openstax", "openstax-def", "openstax-qa", "openstax-explain", "openstax-summary"}
    return names


def rows(path: Path):
    """The JSON objects of a .jsonl or .jsonl.zst file."""
    if path.suffix == ".zst":
        with path.open("rb") as raw:
            reader = zstandard.ZstdDecompressor().stream_reader(raw)
            for line in io.TextIOWrapper(reader, encoding="utf-8"):
                yield json.loads(line)
    else:
        with path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def prompt_of(row: dict) -> str:
    """The user's turn, worded as SpecDec++ words its prompts."""
    return row["instruction"] + ("\n" + row["input"] if row.get("input") else "")


def chat(prompt: str) -> str:
    """The prompt in ChatML, up to where the answer begins."""
    return f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"


def documents(data: Path, seed: int):
    """Yields (text, offset where the answer begins; 0 for plain text), shuffled, weighted by SHARE."""
    generator = random.Random(seed)
    allowed = permissive_sources(data)
    chosen = []
    for name in FILES:
        for row in rows(data / name):
            source = row["source"]
            if source not in allowed or generator.random() > SHARE.get(source, 0.0):
                continue
            if "text" in row:
                chosen.append((row["text"] + "<|endoftext|>", 0))
            else:
                head = chat(prompt_of(row))
                chosen.append((head + row["output"] + "<|im_end|>\n", len(head)))
    generator.shuffle(chosen)
    yield from chosen
