"""Trains a tokenizer in the pipeline of every family, on the texts of this repository.

    python Tools/reference/family_tokenizers.py FOLDER
    for file in FOLDER/*/tokenizer.json; do
      python Tools/reference/fuzz_tokenizer.py --tokenizer $file --count 100000; done

Byte-level ones are trained by the `tokenizers` library, the others by SentencePiece, whose own model
is written beside: fuzz_tokenizer.py then counts how often the two libraries agree.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import Tokenizer, pre_tokenizers, trainers

import sentencepiece_fixture
from tokenizer_cases import FRAGMENTS, PIPELINES, byte_level

VOCABULARY, SEED = 6000, 20261126
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def corpus() -> list[str]:
    texts = [path.read_text() for pattern in ["*.md", "Sources/**/*.swift", "Tools/**/*.py"]
             for path in sorted(Path().glob(pattern))]
    generator = random.Random(SEED)
    texts += ["".join(generator.choice(FRAGMENTS) for _ in range(60)) for _ in range(400)]
    return texts


def byte_level_family(pipeline, texts: list[str]) -> dict:
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
               "special": True}
    blank = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [special | {"id": i, "content": text} for i, text in enumerate(SPECIAL)],
        "normalizer": None, "pre_tokenizer": byte_level(), "post_processor": byte_level(),
        "decoder": byte_level(),
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                  "byte_fallback": False, "ignore_merges": False,
                  "vocab": {text: i for i, text in enumerate(SPECIAL)}, "merges": []}}
    tokenizer = Tokenizer.from_str(json.dumps(blank | pipeline(blank)))
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=SPECIAL, show_progress=False))
    written = blank | {"model": json.loads(tokenizer.to_str())["model"]}
    return written | pipeline(written)


def main(folder: Path) -> None:
    texts = corpus()
    for name, pipeline in PIPELINES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "tokenizer.json").write_text(
            json.dumps(byte_level_family(pipeline, texts), ensure_ascii=False))
    for name, changed in sentencepiece_fixture.PIPELINES.items():
        if changed is None:
            continue
        # SentencePiece trains on lines; Gemma alone puts no space before a text.
        model = sentencepiece_fixture.trained(
            [line for text in texts for line in text.split("\n")], VOCABULARY, name != "gemma")
        out = folder / f"sentencepiece-{name}"
        out.mkdir(parents=True, exist_ok=True)
        (out / "tokenizer.json").write_text(
            json.dumps(sentencepiece_fixture.file_of(model) | changed, ensure_ascii=False))
        (out / "tokenizer.model").write_bytes(model.serialized_model_proto())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
