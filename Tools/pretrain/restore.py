"""Turns shipped weights back into a checkpoint, so that training can go on where a sitting ended.

    python Tools/pretrain/restore.py Weights/draft --work DIR --result draft
    python Tools/pretrain/restore.py Weights/target --work DIR --result base --ungrow

`--ungrow` undoes grow.py: layers that add nothing are dropped and twins are summed, which leaves the
small model that the large one computes (but for the rounding of its weights to bf16).
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

from model import Llama, Shape

sys.path.append(str(Path(__file__).parent.parent / "reference"))
from read_planes import read_packed  # noqa: E402


def shipped(folder: Path) -> tuple[Shape, dict]:
    """The shape and the f32 tensors of a model folder, under the names that training uses."""
    config = json.loads((folder / "config.json").read_text())
    shape = Shape(hidden=config["hidden_size"], layers=config["num_hidden_layers"],
                  heads=config["num_attention_heads"], kv_heads=config["num_key_value_heads"],
                  intermediate=config["intermediate_size"], vocabulary=config["vocab_size"],
                  context=config["max_position_embeddings"], epsilon=config["rms_norm_eps"],
                  theta=config.get("rope_theta", 10000.0))
    names = {n: p.shape for n, p in Llama(shape).named_parameters()}
    tensors = {}
    for name, data in read_packed(str(folder / "model.safetensors.zst")).items():
        bits = np.frombuffer(data, np.uint16).astype(np.uint32) << 16
        plain = name.removeprefix("model.")
        tensors[plain] = torch.from_numpy(bits.view(np.float32).copy()).view(names[plain])
    return shape, tensors


def ungrown(shape: Shape, large: dict) -> tuple[Shape, dict]:
    """(2R, 2C) -> (R, C): both halves of a row's columns read the same values, so they add up."""
    kept = [i for i in range(shape.layers)
            if large[f"layers.{i}.self_attn.o_proj.weight"].any()
            or large[f"layers.{i}.mlp.down_proj.weight"].any()]
    small = Shape(**{**shape.to_dict(), "hidden": shape.hidden // 2, "heads": shape.heads // 2,
                     "kv_heads": shape.kv_heads // 2, "intermediate": shape.intermediate // 2,
                     "layers": len(kept)})
    embedding = large["embed_tokens.weight"]
    new = {"embed_tokens.weight": embedding[:, :small.hidden].clone(),
           "norm.weight": 2 * large["norm.weight"][:small.hidden]}
    for position, index in enumerate(kept):
        prefix = f"layers.{index}."
        for name, weight in large.items():
            if not name.startswith(prefix):
                continue
            if weight.dim() == 1:
                value = weight[:small.hidden].clone()
            else:
                left, right = weight[: weight.shape[0] // 2].chunk(2, 1)
                value = left + right
            new[f"layers.{position}.{name.removeprefix(prefix)}"] = value
    return small, new


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--result", required=True)
    parser.add_argument("--ungrow", action="store_true")
    options = parser.parse_args()
    shape, weights = shipped(options.folder)
    if options.ungrow:
        large = Llama(shape)
        large.load_state_dict(weights)
        shape, weights = ungrown(shape, weights)
        small = Llama(shape)
        small.load_state_dict(weights)
        ids = torch.randint(3, shape.vocabulary, (2, 200), generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            a, b = small.logits(small.hidden(ids)), large.logits(large.hidden(ids))
        difference = ((a - b).abs().max() / b.abs().max()).item()
        print(f"{large.parameter_count()} -> {small.parameter_count()} parameters, "
              f"logits differ by {difference:.1e} of the largest")
        if difference > 0.05:
            raise SystemExit("these weights are not as grow.py leaves them")
    options.work.mkdir(parents=True, exist_ok=True)
    torch.save({"shape": shape.to_dict(), "model": weights, "tokens": 0},
               options.work / f"{options.result}.pt")
    if not (options.work / "tokenizer.json").exists():
        shutil.copy(options.folder / "tokenizer.json", options.work / "tokenizer.json")


if __name__ == "__main__":
    main()
