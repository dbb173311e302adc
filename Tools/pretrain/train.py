"""Stage 3 (and 5): trains a target on the token stream for a budget of tokens.

    python Tools/pretrain/train.py --work DIR --name base --millions 14
    python Tools/pretrain/train.py --work DIR --name grown --init DIR/grown-start.pt --millions 0.6 \
        --length 1024 --batch 2 --muon-rate 0.002 --adam-rate 0.0005

Running the same command again goes on from the last checkpoint; the schedule follows the tokens seen, so
a sitting cut short and resumed ends where an undisturbed one does. A budget changed on the way moves the
rest of the schedule.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from model import BASE, Llama, Shape
from optimiser import Optimiser


def weighted_loss(model, ids, weights):
    """Mean cross entropy of the next token, each weighted; ids and weights are (B, T + 1)."""
    hidden = model.hidden(ids[:, :-1])
    logits = model.logits(hidden).flatten(0, 1).float()
    losses = F.cross_entropy(logits, ids[:, 1:].flatten(), reduction="none")
    w = weights[:, 1:].flatten()
    return (losses * w).sum() / w.sum()


@torch.no_grad()
def dev_losses(model, dev, length: int, device) -> dict:
    """Loss per answer token of each development group, on at most 16 windows each."""
    model.eval()
    result = {}
    for name in sorted(k[:-4] for k in dev.files if k.endswith("_ids")):
        ids, weights = dev[name + "_ids"].astype(np.int64), dev[name + "_weights"].astype(np.float32)
        count = min(16, (len(ids) - 1) // length)
        windows = np.stack([ids[i * length:i * length + length + 1] for i in range(count)])
        mask = np.stack([weights[i * length:i * length + length + 1] for i in range(count)])
        loss = weighted_loss(model, torch.from_numpy(windows).to(device),
                             torch.from_numpy((mask >= 1).astype(np.float32)).to(device))
        result[name] = round(loss.item(), 4)
    model.train()
    return result


def save(path: Path, content: dict) -> None:
    """Beside, then renamed, so that a kill leaves the last whole checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    partial.rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--init", type=Path, help="weights to start from (a .pt of an earlier stage)")
    parser.add_argument("--millions", type=float, required=True, help="tokens to see, in millions")
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--muon-rate", type=float, default=0.006)
    parser.add_argument("--adam-rate", type=float, default=0.003)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    device = torch.device(options.device)
    shape = BASE
    started = None
    if options.init:
        started = torch.load(options.init, weights_only=False)
        shape = Shape(**started["shape"])
    model = Llama(shape).to(device)
    if started:
        model.load_state_dict(started["model"])
    optimiser = Optimiser(model, options.muon_rate, options.adam_rate)
    seconds, tokens, step = 0.0, 0, 0
    path = options.work / f"{options.name}.pt"
    if path.exists() and path != options.init:
        saved = torch.load(path, weights_only=False)
        model.load_state_dict(saved["model"])
        optimiser.load(saved["optimiser"])
        seconds, tokens, step = saved["seconds"], saved["tokens"], saved["step"]
        print(f"goes on at step {step}, {tokens} tokens, {seconds:.0f} s")

    # Fuses the loss and the rows between products: 1.6 times faster on a CPU.
    compiled_loss = torch.compile(weighted_loss)
    stream = np.load(options.work / "train.npz")
    ids, weights = stream["ids"], stream["weights"]
    dev = np.load(options.work / "dev.npz")
    length, budget = options.length, options.millions * 1e6
    windows = (len(ids) - 1) // length
    log = (options.work / f"{options.name}.jsonl").open("a")
    print(f"{model.parameter_count()} parameters, {len(ids)} tokens in the stream")
    last_save = last_dev = seconds
    average = None
    while tokens < budget:
        begin = time.monotonic()
        factor = optimiser.set_progress(tokens / budget)
        epoch, place = divmod(step * options.batch, windows)
        order = np.random.default_rng([options.seed, epoch]).permutation(windows)
        chosen = [order[(place + i) % windows] * length for i in range(options.batch)]
        batch = torch.from_numpy(np.stack([ids[i:i + length + 1] for i in chosen]).astype(np.int64))
        mask = torch.from_numpy(np.stack([weights[i:i + length + 1] for i in chosen]).astype(np.float32))
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = compiled_loss(model, batch.to(device), mask.to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        tokens += options.batch * length
        seconds += time.monotonic() - begin
        average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
        if step % 20 == 0:
            entry = {"step": step, "tokens": tokens, "seconds": round(seconds), "rate": round(factor, 3),
                     "loss": round(average, 4)}
            if seconds - last_dev > 300 or tokens >= budget:
                entry["dev"] = dev_losses(model, dev, length, device)
                last_dev = seconds
            print(json.dumps(entry), file=log, flush=True)
        if seconds - last_save > 180 or tokens >= budget:
            save(path, {"model": model.state_dict(), "optimiser": optimiser.state(), "step": step,
                        "shape": shape.to_dict(), "seconds": seconds, "tokens": tokens})
            last_save = seconds
    final = {"step": step, "tokens": tokens, "seconds": round(seconds), "loss": round(average or 0, 4),
             "dev": dev_losses(model, dev, length, device)}
    print(json.dumps(final), file=log, flush=True)
    print(json.dumps(final))


if __name__ == "__main__":
    main()
