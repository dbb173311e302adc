"""Makes Tests/Fixtures/specdec-head.json: a small SpecDec++ head in PyTorch, its predictions for random
states, and the stop indices of the published loop on traces of them.

    python Tools/reference/specdec_head.py Tests/Fixtures
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn

WIDTH, DEPTH, TRACES, LENGTH = 16, 3, 40, 21


class ResidualBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.activation = nn.SiLU()

    def forward(self, x):
        return x + self.activation(self.linear(x))


def stop_index(accept: list[float], threshold: float, least: int, most: int) -> int:
    """How many tokens are drafted; accept[k] is the head's prediction for the token fed in step k."""
    survival, step = 1.0, 0
    while True:
        step += 1
        survival *= 1.0 if step == 1 else accept[step - 1]
        if step >= most or (step >= least and 1 - survival > threshold):
            return step


def main(folder: Path) -> None:
    torch.manual_seed(1)
    block = ResidualBlock(WIDTH)
    # The published head repeats one block object: its depth has one set of weights.
    head = nn.Sequential(*([block] * DEPTH), nn.Linear(WIDTH, 2))
    with torch.no_grad():
        head[-1].bias += torch.tensor([-1.5, 1.5])  # mostly accepting, so that drafts vary in length
    traces = []
    for _ in range(TRACES):
        states = torch.randn(LENGTH, WIDTH) * 1.5
        with torch.no_grad():
            accept = head(states).softmax(-1)[:, 1].tolist()
        traces.append({
            "states": states.tolist(), "acceptance": accept,
            "stops": [stop_index(accept, h, 2, 20) for h in (0.1, 0.3, 0.5, 0.7, 0.9)],
        })
    fixture = {
        "made_by": "Tools/reference/specdec_head.py", "width": WIDTH, "depth": DEPTH,
        "thresholds": [0.1, 0.3, 0.5, 0.7, 0.9],
        "block_weight": block.linear.weight.flatten().tolist(), "block_bias": block.linear.bias.tolist(),
        "output_weight": head[-1].weight.flatten().tolist(), "output_bias": head[-1].bias.tolist(),
        "traces": traces,
    }
    text = json.dumps(fixture, default=float)
    (folder / "specdec-head.json").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
