"""Makes Tests/Fixtures/learning/adamw.json: what torch computes for a few steps of training.

    python Tools/reference/adamw.py Tests/Fixtures/learning

Two parts: AdamW alone on given gradients, and whole runs (forward, loss, backward, clipping, AdamW,
cosine schedule with warm-up) of the head of SpecDec++ and of a small multilayer network.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn
from transformers import get_cosine_schedule_with_warmup

STEPS = 8
WARM_UP = 3


class ResidualBlock(nn.Module):
    """x + SiLU(W x + b). SpecDec++ repeats one of these, so that its applications share weights."""

    def __init__(self, width: int):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return x + nn.functional.silu(self.linear(x))


def cross_entropy(outputs, labels, rejection_weight):
    """SpecDec++'s loss, for one logit or for two of which the second says accepted."""
    if outputs.shape[1] == 1:
        outputs = torch.cat([torch.zeros_like(outputs), outputs], dim=1)
    log_p = torch.log_softmax(outputs, dim=1)
    rejected = rejection_weight * (1 - labels)
    return (-labels * log_p[:, 1] - rejected * log_p[:, 0]).sum() / (labels + rejected).sum()


def optimiser_alone() -> dict:
    start = torch.randn(13)
    gradients = torch.randn(STEPS, 13) * torch.logspace(-3, 2, 13)
    parameter = nn.Parameter(start.clone())
    optimiser = torch.optim.AdamW([parameter], lr=0.05, betas=(0.8, 0.95), weight_decay=0.1)
    after = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimiser.step()
        after.append(parameter.tolist())
    return {"start": start.tolist(), "gradients": gradients.tolist(), "after": after}


def run(modules: list, width: int, rejection_weight: float) -> dict:
    network = nn.Sequential(*modules)
    inputs = torch.randn(21, width)
    labels = torch.rand(21)
    # A block that is applied several times is one object; list it once, by where it first comes.
    seen, tensors = set(), []
    for module in modules:
        linear = getattr(module, "linear", module)
        if isinstance(linear, nn.Linear) and id(linear) not in seen:
            seen.add(id(linear))
            tensors += [linear.weight, linear.bias]
    flat = lambda: torch.cat([t.detach().flatten() for t in tensors]).tolist()
    start = flat()
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.02, weight_decay=0.05)
    schedule = get_cosine_schedule_with_warmup(optimiser, WARM_UP, STEPS)
    losses, norms, factors = [], [], []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = cross_entropy(network(inputs), labels, rejection_weight)
        loss.backward()
        losses.append(loss.item())
        norms.append(nn.utils.clip_grad_norm_(network.parameters(), 0.5).item())
        factors.append(schedule.get_last_lr()[0] / 0.02)
        optimiser.step()
        schedule.step()
    return {
        "inputs": inputs.flatten().tolist(), "labels": labels.tolist(), "start": start,
        "losses": losses, "norms": norms, "factors": factors, "end": flat(),
        "outputs": network(inputs).flatten().tolist(),
    }


def main(folder: Path) -> None:
    torch.manual_seed(20261123)
    block = ResidualBlock(6)
    reference = {
        "made_by": "Tools/reference/adamw.py",
        "optimiser": optimiser_alone(),
        "head": run([block, block, block, nn.Linear(6, 2)], 6, 6.0),
        "multilayer": run([nn.Linear(11, 9), nn.ReLU(), nn.Linear(9, 5), nn.SiLU(), nn.Linear(5, 1)],
                          11, 1.0),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adamw.json").write_text(json.dumps(reference))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
