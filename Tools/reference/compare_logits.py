"""Compares Foretoken's logits with Hugging Face transformers' (f32), on real prompts of 1 to 512 tokens.

    python Tools/reference/compare_logits.py --model HF_FOLDER --ours FOLDER --prompts FILE.jsonl

HF_FOLDER holds model.safetensors; FOLDER is what Foretoken reads (the same, packed). Prints, for each
weight type, the largest difference divided by the largest logit.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

LENGTHS = [1, 2, 3, 7, 16, 31, 64, 100, 128, 200, 256, 300, 400, 511, 512]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--ours", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--bench", type=Path, default=Path(".build/release/foretoken-bench"))
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    lines = options.prompts.read_text().splitlines()
    text = "\n".join(" ".join(str(v) for v in json.loads(line).values()) for line in lines)
    stream = tokenizer.encode(text[:400_000]).ids
    prompts, place = [], 0
    for length in LENGTHS:
        prompts.append(stream[place:place + length])
        place += length

    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    theirs = []
    with torch.no_grad():
        for prompt in prompts:
            theirs.append(model(torch.tensor([prompt])).logits[0].numpy())

    for dtype in ("f32", "bf16", "f16", "q8"):
        with tempfile.NamedTemporaryFile() as file:
            subprocess.run(
                [options.bench, "logits", "--model", options.ours, "--dtype", dtype, "--output", file.name],
                input="\n".join(json.dumps(p) for p in prompts), text=True, check=True)
            values = np.fromfile(file.name, np.float32).reshape(-1, theirs[0].shape[1])
        worst, place, agree, total = 0.0, 0, 0, 0
        for reference in theirs:
            ours = values[place:place + len(reference)]
            place += len(reference)
            worst = max(worst, float(np.abs(ours - reference).max() / np.abs(reference).max()))
            agree += int((ours.argmax(-1) == reference.argmax(-1)).sum())
            total += len(reference)
        print(f"{dtype:5} largest difference / largest logit {worst:.2e}   "
              f"same argmax {agree}/{total}")


if __name__ == "__main__":
    main()
