"""Encoding compared: our tokenizer, Hugging Face tokenizers and tiktoken, one thread each, on the
text of this repository, paragraph by paragraph."""

import json
import os
import subprocess
import time
from pathlib import Path

REPEATS = 3


def paragraphs(repository: Path) -> list[str]:
    kinds = {".md", ".swift", ".c", ".h", ".py"}
    listed = subprocess.run(
        ["git", "-C", repository, "ls-files"], check=True, capture_output=True, text=True)
    files = [repository / name for name in listed.stdout.splitlines() if Path(name).suffix in kinds]
    return [part for file in files for part in file.read_text().split("\n\n") if part.strip()]


def timed(encode, texts: list[str]) -> tuple[float, list[list[int]]]:
    encode(texts[0])
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        ids = [encode(text) for text in texts]
        best = min(best, time.perf_counter() - start)
    return best, ids


def hugging_face(file: Path):
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def tiktoken(file: Path):
    """Works for byte-level BPE whose ids are in the order of its merges."""
    import tiktoken
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    model = json.loads(file.read_text())
    special = {token["content"]: token["id"] for token in model["added_tokens"]}
    byte = {character: value for value, character in bytes_to_unicode().items()}
    ranks = {bytes(byte[c] for c in token): id for token, id in model["model"]["vocab"].items()
             if token not in special}
    pattern = model["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    encoding = tiktoken.Encoding(
        "same", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
    return lambda text: encoding.encode(text, allowed_special="all")


def compare(file: Path, programs: Path, repository: Path, rounds: int) -> dict:
    """Bytes per second, one value a round, and for how many texts the ids are not ours."""
    texts = paragraphs(repository)
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    command = [programs / "foretoken-bench", "tokenize", "--tokenizer", file]
    answer = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    expected = [json.loads(line) for line in answer.stdout.splitlines()]
    size = len("".join(texts).encode())
    peers, missing = {}, {}
    for name, make in (("tokenizers", hugging_face), ("tiktoken", tiktoken)):
        try:
            peers[name] = make(file)
        except ImportError as problem:
            missing[name] = str(problem)
    speeds = {name: [] for name in ["Foretoken", *peers]}
    different = {"Foretoken": 0}
    for _ in range(rounds):
        answer = subprocess.run(
            [*command, "--repeat", str(REPEATS), "--json"], input=lines, capture_output=True,
            text=True, check=True)
        speeds["Foretoken"].append(json.loads(answer.stdout)["bytes_per_second"])
        for name, encode in peers.items():
            seconds, ids = timed(encode, texts)
            speeds[name].append(size / seconds)
            different[name] = sum(a != b for a, b in zip(ids, expected))
    return {"texts": len(texts), "bytes": size, "speeds": speeds, "different": different,
            "missing": missing}
