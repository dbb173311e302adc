"""Stage 4: grows a trained model without changing what it computes, so that it costs what a target
costs and training can go on.

    python Tools/pretrain/grow.py --work DIR --source base --result grown

Width x2 (Net2Net, arXiv 1511.05641): every channel of the residual stream, every head and every
feed-forward unit gets a twin; a matrix that reads twins splits its weights between them as
[W/2 + N, W/2 - N], and since twins carry equal values the noise N cancels while it gives the twins
different gradients. RMSNorm of [x, x] is [norm(x), norm(x)]; the final norm is halved because the
tied output counts both twins. Depth: new layers copy their neighbour, with o_proj and down_proj zero,
so that they add nothing until they are trained.
"""

import argparse
from pathlib import Path

import torch

from model import Llama, Shape

# Noise of a split, in standard deviations of the matrix.
NOISE = 0.25


def widened(weight, generator):
    """(R, C) -> (2R, 2C): twin rows, each with a split of its own over twin columns."""
    half = weight / 2
    rows = []
    for _ in range(2):
        noise = torch.randn(weight.shape, generator=generator) * NOISE * weight.std()
        rows.append(torch.cat((half + noise, half - noise), 1))
    return torch.cat(rows, 0)


def grow(source: dict, layers: int, seed: int) -> tuple[Shape, dict]:
    generator = torch.Generator().manual_seed(seed)
    s = Shape(**source["shape"])
    grown = Shape(**{**s.to_dict(), "hidden": 2 * s.hidden, "heads": 2 * s.heads,
                     "kv_heads": 2 * s.kv_heads, "intermediate": 2 * s.intermediate,
                     "layers": layers})
    old, new = source["model"], {}
    embedding = old["embed_tokens.weight"]
    new["embed_tokens.weight"] = torch.cat((embedding, embedding), 1)
    new["norm.weight"] = torch.cat((old["norm.weight"], old["norm.weight"])) / 2
    position = 0
    for index in range(s.layers):
        copies = 1 + (layers - s.layers) * (index + 1) // s.layers - (layers - s.layers) * index // s.layers
        for copy in range(copies):
            for name, weight in old.items():
                prefix = f"layers.{index}."
                if not name.startswith(prefix):
                    continue
                rest = name.removeprefix(prefix)
                if weight.dim() == 1:
                    value = torch.cat((weight, weight))
                else:
                    value = widened(weight, generator)
                    if copy > 0 and rest in ("self_attn.o_proj.weight", "mlp.down_proj.weight"):
                        value = torch.zeros_like(value)
                new[f"layers.{position}.{rest}"] = value
            position += 1
    return grown, new


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--source", default="base")
    parser.add_argument("--result", default="grown-start")
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = torch.load(options.work / f"{options.source}.pt", weights_only=False)
    shape, weights = grow(source, options.layers, options.seed)

    small, large = Llama(Shape(**source["shape"])), Llama(shape)
    small.load_state_dict(source["model"])
    large.load_state_dict(weights)
    ids = torch.randint(3, shape.vocabulary, (2, 200), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        a, b = small.logits(small.hidden(ids)), large.logits(large.hidden(ids))
    difference = ((a - b).abs().max() / a.abs().max()).item()
    print(f"{small.parameter_count()} -> {large.parameter_count()} parameters, "
          f"logits differ by {difference:.1e} of the largest")
    if difference > 1e-4:
        raise SystemExit("the growth changed the function")
    torch.save({"shape": shape.to_dict(), "model": weights, "tokens": source["tokens"]},
               options.work / f"{options.result}.pt")


if __name__ == "__main__":
    main()
