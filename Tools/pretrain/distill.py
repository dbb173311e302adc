"""Stage 7: the draft learns the target's own distribution, on data and on the target's own text.

    python Tools/pretrain/distill.py --work DIR --teacher base --own own --millions 4
    python Tools/pretrain/distill.py --work DIR --teacher grown --own own --init draft --name draft-final \
        --millions 0.5 --muon-rate 0.001 --adam-rate 0.0003

The loss is the Kullback-Leibler divergence from the teacher (which bounds the rejection rate of
speculative sampling, total variation, by Pinsker) plus a little cross entropy.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from model import DRAFT, Llama, Shape
from optimiser import Optimiser
from train import save

CROSS_ENTROPY_SHARE = 0.1


def initial_draft(teacher: dict) -> dict:
    """A draft made of the base model's embedding and some of its layers, spread over its depth, with
    their largest feed-forward units."""
    shape, old = Shape(**teacher["shape"]), teacher["model"]
    new = {"embed_tokens.weight": old["embed_tokens.weight"], "norm.weight": old["norm.weight"]}
    for place in range(DRAFT.layers):
        prefix = f"layers.{place * (shape.layers - 1) // (DRAFT.layers - 1)}."
        layer = {n.removeprefix(prefix): w for n, w in old.items() if n.startswith(prefix)}
        size = layer["mlp.down_proj.weight"].norm(dim=0) * layer["mlp.up_proj.weight"].norm(dim=1)
        kept = size.topk(DRAFT.intermediate).indices.sort().values
        for part in ("gate", "up"):
            layer[f"mlp.{part}_proj.weight"] = layer[f"mlp.{part}_proj.weight"][kept]
        layer["mlp.down_proj.weight"] = layer["mlp.down_proj.weight"][:, kept]
        new |= {f"layers.{place}.{n}": w.clone() for n, w in layer.items()}
    return new


def enlarged(small: dict, teacher: dict) -> dict:
    """An earlier, smaller draft in the shape of today's: it computes the same, since what is new (the
    layers in the middle, and units of the feed-forward parts) comes from the teacher but adds nothing
    until it is trained."""
    shape, old = Shape(**small["shape"]), small["model"]
    new = initial_draft(teacher) | {n: old[n] for n in ("embed_tokens.weight", "norm.weight")}
    places = list(range(shape.layers - 1)) + [DRAFT.layers - 1]
    for place in range(DRAFT.layers):
        if place not in places:
            for part in ("self_attn.o_proj", "mlp.down_proj"):
                new[f"layers.{place}.{part}.weight"] = torch.zeros_like(new[f"layers.{place}.{part}.weight"])
            continue
        for name, weight in old.items():
            rest = name.removeprefix(f"layers.{places.index(place)}.")
            if rest == name:
                continue
            target = new[f"layers.{place}.{rest}"]
            if rest == "mlp.down_proj.weight":
                target = torch.zeros_like(target)
                target[:, :weight.shape[1]] = weight
            elif rest.startswith("mlp"):
                target[:weight.shape[0]] = weight
            else:
                target = weight
            new[f"layers.{place}.{rest}"] = target
    return new


def window(stream, index: int, length: int):
    return stream["ids"][index * length:][:length + 1], stream["weights"][index * length:][:length + 1]


@torch.no_grad()
def agreement(teacher, draft, stream, length: int, count: int) -> dict:
    """On answer tokens: share of equal argmax, and sum min(p, q) = expected acceptance at T = 1."""
    same = overlap = total = 0.0
    for index in range(min(count, (len(stream["ids"]) - 1) // length)):
        ids, weights = window(stream, index, length)
        ids = torch.from_numpy(ids.astype(np.int64))[None, :-1]
        mask = torch.from_numpy(weights.astype(np.float32))[1:] >= 1
        p = teacher.logits(teacher.hidden(ids))[0].softmax(-1)
        q = draft.logits(draft.hidden(ids))[0].softmax(-1)
        same += (p.argmax(-1) == q.argmax(-1))[mask].sum().item()
        overlap += torch.minimum(p, q).sum(-1)[mask].sum().item()
        total += mask.sum().item()
    return {"top1": round(same / total, 4), "acceptance": round(overlap / total, 4), "tokens": int(total)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--teacher", default="base")
    parser.add_argument("--own", default="own")
    parser.add_argument("--name", default="draft")
    parser.add_argument("--init", help="an earlier draft to start from, of this shape or smaller")
    parser.add_argument("--millions", type=float, required=True, help="tokens to see, in millions")
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--own-share", type=float, default=0.6)
    parser.add_argument("--muon-rate", type=float, default=0.004)
    parser.add_argument("--adam-rate", type=float, default=0.001)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    work = options.work
    saved = torch.load(work / f"{options.teacher}.pt", weights_only=False)
    teacher = Llama(Shape(**saved["shape"])).eval().requires_grad_(False)
    teacher.load_state_dict(saved["model"])
    draft = Llama(DRAFT)
    start = torch.load(work / f"{options.init}.pt", weights_only=False) if options.init else None
    draft.load_state_dict(enlarged(start, saved) if start else initial_draft(saved))

    # Products in bf16: half again as fast on a CPU that has them, and far finer than what is left to learn.
    @torch.compile
    def teach(ids):
        with torch.autocast("cpu", torch.bfloat16):
            logits = teacher.logits(teacher.hidden(ids[:, :-1])).flatten(0, 1)
        return logits.float().softmax(-1)

    @torch.compile
    def learn(p, ids, mask):
        with torch.autocast("cpu", torch.bfloat16):
            logits = draft.logits(draft.hidden(ids[:, :-1])).flatten(0, 1)
        log_q = logits.float().log_softmax(-1)
        # The teacher's entropy is a constant, so the cross entropy from p has the gradient of the KL.
        kl = -(p * log_q).sum(-1)
        ce = F.nll_loss(log_q, ids[:, 1:].flatten(), reduction="none")
        mixed = (1 - CROSS_ENTROPY_SHARE) * kl + CROSS_ENTROPY_SHARE * ce
        return (mixed * mask).sum() / mask.sum()

    optimiser = Optimiser(draft, options.muon_rate, options.adam_rate, decay=0.6)
    path = work / f"{options.name}.pt"
    seconds, tokens, step = 0.0, 0, 0
    if path.exists():
        old = torch.load(path, weights_only=False)
        draft.load_state_dict(old["model"])
        optimiser.load(old["optimiser"])
        seconds, tokens, step = old["seconds"], old["tokens"], old["step"]

    streams = [dict(np.load(work / f"{name}.npz")) for name in (options.own, "train")]
    generator = np.random.default_rng([options.seed, step])
    log = (work / f"{options.name}.jsonl").open("a")
    budget, last_save, average = options.millions * 1e6, seconds, None
    while tokens < budget:
        begin = time.monotonic()
        optimiser.set_progress(tokens / budget)
        chosen = []
        for _ in range(options.batch):
            stream = streams[0 if generator.random() < options.own_share else 1]
            chosen.append(window(stream, generator.integers((len(stream["ids"]) - 1) // options.length),
                                 options.length))
        ids = torch.from_numpy(np.stack([c[0] for c in chosen]).astype(np.int64))
        mask = torch.from_numpy(np.stack([c[1] for c in chosen]).astype(np.float32))[:, 1:].flatten()
        with torch.no_grad():
            p = teach(ids)
        loss = learn(p, ids, mask)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(draft.parameters(), 1.0)
        optimiser.step()
        step += 1
        tokens += ids.shape[0] * options.length
        seconds += time.monotonic() - begin
        average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
        if step % 20 == 0:
            print(json.dumps({"step": step, "tokens": tokens, "seconds": round(seconds),
                              "loss": round(average, 4)}), file=log, flush=True)
        if seconds - last_save > 120 or tokens >= budget:
            save(path, {"model": draft.state_dict(), "optimiser": optimiser.state(), "step": step,
                        "shape": DRAFT.to_dict(), "seconds": seconds, "tokens": tokens})
            last_save = seconds
    dev = np.load(work / "dev.npz")
    report = {"tokens": tokens, "seconds": round(seconds), "loss": round(average or 0, 4)}
    for group in ("synth", "instruct"):
        stream = {"ids": dev[group + "_ids"], "weights": dev[group + "_weights"]}
        report[group] = agreement(teacher, draft, stream, options.length, 24)
    print(json.dumps(report), file=log, flush=True)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
