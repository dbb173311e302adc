"""Compares our tokenizer with the `tokenizers` library on fuzzed strings and on prompt files.

    swift build -c release --product foretoken-bench
    python Tools/reference/fuzz_tokenizer.py --tokenizer tokenizer.json --count 100000 PROMPTS.jsonl

Ids are compared with and without the parsing of special tokens, and the decoding of random ids.
Prompt files hold one JSON object a line, of which the fields instruction, question, prompt, input,
output, answer, response and text are read. `--patterns` tries every split pattern that we know, over
the vocabulary of the given tokenizer. Ends with status 1 at the first difference. Where a
tokenizer.model of SentencePiece lies beside, its ids are compared with those of `tokenizers` too, and
counted: the two libraries break ties differently. family_tokenizers.py trains tokenizers to try.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tokenizers import Tokenizer

from tokenizer_cases import PIPELINES, fuzzed

FIELDS = ["instruction", "question", "prompt", "input", "output", "answer", "response", "text"]
BENCH = Path(os.environ.get("FORETOKEN_BENCH", ".build/release/foretoken-bench"))


def texts_of(path: Path) -> list[str]:
    texts = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        texts += [row[field] for field in FIELDS if isinstance(row.get(field), str)]
    return texts


def ours(path: Path, lines: list, *flags: str) -> list:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    command = [str(BENCH), "tokenize", "--tokenizer", str(path), *flags]
    output = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in output.decode().split("\n")[:-1]]


def compare(path: Path, texts: list[str], sequences: list[list[int]], what: str) -> None:
    library = Tokenizer.from_file(str(path))
    falls_back = json.loads(path.read_text())["model"]["byte_fallback"]

    def check(inputs: list, flags: list[str], reference) -> None:
        mine = ours(path, inputs, *flags)
        assert len(mine) == len(inputs), (len(mine), len(inputs))
        for given, got in zip(inputs, mine):
            expected = reference(given)
            # Bytes that are no text: the library writes U+FFFD for every byte of the run of byte
            # tokens, sound characters too, we for what is damaged.
            if falls_back and "--decode" in flags and "\ufffd" in expected:
                continue
            if got != expected:
                sys.exit(f"{what} {flags}: {given!r}\nours    {got}\nlibrary {expected}")

    check(texts, ["--add-special-tokens"], lambda text: library.encode(text).ids)
    library.encode_special_tokens = True
    check(texts, ["--plain"], lambda text: library.encode(text, add_special_tokens=False).ids)
    check(sequences, ["--decode"], lambda ids: library.decode(ids, skip_special_tokens=False))
    check(sequences, ["--decode", "--plain"], lambda ids: library.decode(ids))
    print(f"{what}: {len(texts)} texts, {len(sequences)} sequences of ids, no difference", flush=True)


def count_differences(path: Path, texts: list[str]) -> None:
    """Between the two libraries; NUL ends a text for one of them."""
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(path.with_name("tokenizer.model")))
    library = Tokenizer.from_file(str(path))
    library.encode_special_tokens = True
    texts = [text for text in texts if "\0" not in text]
    other = sum(
        model.encode(text) != library.encode(text, add_special_tokens=False).ids for text in texts)
    print(f"sentencepiece: {other} of {len(texts)} texts differ from the tokenizers library", flush=True)


def compare_speed(path: Path) -> None:
    """Processor time on one thread for the sources of this repository, the library's cache warm."""
    texts = [file.read_text() for file in sorted(Path("Sources").glob("**/*.swift"))]
    lines = "".join(json.dumps(text) + "\n" for text in texts).encode()
    size = sum(len(text.encode()) for text in texts)

    def seconds(repeats: int) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        command = [str(BENCH), "tokenize", "--tokenizer", str(path), "--repeat", str(repeats)]
        subprocess.run(command, input=lines, stdout=subprocess.PIPE, check=True)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    ours = (seconds(12) - seconds(2)) / 10
    library = Tokenizer.from_file(str(path))
    for text in texts:
        library.encode(text)
    before = time.process_time()
    for text in texts * 3:
        library.encode(text)
    theirs = (time.process_time() - before) / 3
    print(f"{path}: ours {size / ours / 1e6:.1f} MB/s, tokenizers {size / theirs / 1e6:.1f} MB/s, "
          f"{theirs / ours:.1f} times")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patterns", action="store_true")
    parser.add_argument("prompts", type=Path, nargs="*")
    parser.add_argument("--speed", action="store_true", help="compare speeds instead")
    options = parser.parse_args()
    if options.speed:
        os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
        return compare_speed(options.tokenizer)

    generator = random.Random(options.seed)
    written = json.loads(options.tokenizer.read_text())
    special = [token["content"] for token in written["added_tokens"]]
    texts = [fuzzed(generator, special) for _ in range(options.count)]
    size = Tokenizer.from_file(str(options.tokenizer)).get_vocab_size()
    sequences = [
        [generator.randrange(size + 3) for _ in range(generator.randrange(1, 12))]
        for _ in range(options.count // 10)]
    for path in options.prompts:
        texts += texts_of(path)

    started = time.time()
    compare(options.tokenizer, texts, sequences, str(options.tokenizer))
    if options.tokenizer.with_name("tokenizer.model").exists():
        count_differences(options.tokenizer, texts)
    for name, pipeline in PIPELINES.items() if options.patterns else []:
        changed = written | pipeline(written)
        if name.startswith("flags"):
            contents = [token["content"] for token in changed["added_tokens"]]
            texts += [fuzzed(generator, contents) for _ in range(options.count // 2)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tokenizer.json"
            path.write_text(json.dumps(changed))
            compare(path, texts, sequences, name)
    print(f"{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
