"""Stage 6: lets a model answer training prompts, half greedily and half at temperature 1: the text on
which the draft must agree with it.

    python Tools/pretrain/sample.py --data DIR --work DIR --model base --result own --minutes 6
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

import corpus
from model import Llama, Shape

END = 2


@torch.no_grad()
def answers(model, prompts: list[list[int]], new: int, greedy: torch.Tensor) -> list[list[int]]:
    """Batched decoding with left padding; returns prompt + answer ids for each prompt."""
    count, longest = len(prompts), max(map(len, prompts))
    ids = torch.zeros(count, longest, dtype=torch.long)
    real = torch.zeros(count, longest + new, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt):] = torch.tensor(prompt)
        real[row, longest - len(prompt):] = True
    start = torch.tensor([longest - len(p) for p in prompts])[:, None]
    positions = (torch.arange(longest)[None] - start).clamp(min=0)
    pasts = [{} for _ in model.layers]
    causal = torch.ones(longest, longest, dtype=torch.bool).tril()
    mask = (causal[None] & real[:, None, :longest]) | torch.eye(longest, dtype=torch.bool)[None]
    step_ids, results = ids, [list(p) for p in prompts]
    done = torch.zeros(count, dtype=torch.bool)
    for step in range(new):
        for past in pasts:
            past["mask"] = mask[:, None]
        logits = model.logits(model.hidden(step_ids, pasts, positions)[:, -1])
        drawn = torch.multinomial(logits.softmax(-1), 1)[:, 0]
        token = torch.where(greedy, logits.argmax(-1), drawn)
        for row, value in enumerate(token.tolist()):
            if not done[row]:
                results[row].append(value)
        done |= token == END
        if done.all():
            break
        step_ids, positions = token[:, None], (longest + step - start).clamp(min=0)
        mask = real[:, None, :longest + step + 1]
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="base")
    parser.add_argument("--result", default="own")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--new", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    saved = torch.load(options.work / f"{options.model}.pt", weights_only=False)
    model = Llama(Shape(**saved["shape"])).eval()
    model.load_state_dict(saved["model"])
    tokenizer = Tokenizer.from_file(str(options.work / "tokenizer.json"))

    ids, weights, batch = [], [], []
    deadline = time.monotonic() + options.minutes * 60
    for text, start in corpus.documents(options.data, seed=options.seed):
        if start == 0 or time.monotonic() > deadline:
            continue
        prompt = tokenizer.encode(text[:start]).ids
        if len(prompt) <= 160:
            batch.append(prompt)
        if len(batch) < options.batch:
            continue
        batch.sort(key=len)
        greedy = torch.arange(len(batch)) % 2 == 0
        for prompt, row in zip(batch, answers(model, batch, options.new, greedy)):
            ids.append(np.array(row, np.uint16))
            weights.append(np.array([0.2] * len(prompt) + [1.0] * (len(row) - len(prompt)), np.float16))
        batch = []
        print(sum(map(len, ids)), "tokens", flush=True)
    np.savez(options.work / f"{options.result}.npz", ids=np.concatenate(ids), weights=np.concatenate(weights))


if __name__ == "__main__":
    main()
