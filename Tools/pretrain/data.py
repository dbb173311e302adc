"""Stage 2: tokenises the mixture into one stream of ids and loss weights.

    python Tools/pretrain/data.py --data DIR --work DIR
"""

import argparse
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import corpus

# What a prompt's tokens count in the loss; answers and plain text count 1.
PROMPT_WEIGHT = 0.2


def encode(tokenizer: Tokenizer, documents) -> tuple[np.ndarray, np.ndarray]:
    """Token ids (uint16) and, for each, its weight as a prediction target (float16)."""
    ids, weights = [], []
    batch = []

    def flush():
        heads = tokenizer.encode_batch([text[:start] for text, start in batch])
        tails = tokenizer.encode_batch([text[start:] for text, start in batch])
        for head, tail in zip(heads, tails):
            ids.append(np.array(head.ids + tail.ids, np.uint16))
            weights.append(np.array([PROMPT_WEIGHT] * len(head.ids) + [1.0] * len(tail.ids), np.float16))
        batch.clear()

    for document in documents:
        batch.append(document)
        if len(batch) == 2000:
            flush()
    flush()
    return np.concatenate(ids), np.concatenate(weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(options.work / "tokenizer.json"))

    ids, weights = encode(tokenizer, corpus.documents(options.data, seed=1))
    np.savez(options.work / "train.npz", ids=ids, weights=weights)
    print("train", len(ids), "tokens")

    groups = {"synth": "instruct_synth", "instruct": "instruct_permissive",
              "text": "text_permissive", "dialog": "dialog_permissive"}
    arrays = {}
    for group, name in groups.items():
        documents = []
        for row in corpus.rows(options.data / f"{name}.dev.jsonl"):
            if "text" in row:
                documents.append((row["text"][:4000] + "<|endoftext|>", 0))
            else:
                head = corpus.chat(corpus.prompt_of(row))
                documents.append((head + row["output"] + "<|im_end|>\n", len(head)))
        arrays[group + "_ids"], arrays[group + "_weights"] = encode(tokenizer, documents)
        print(group, len(arrays[group + "_ids"]), "tokens")
    np.savez(options.work / "dev.npz", **arrays)


if __name__ == "__main__":
    main()
