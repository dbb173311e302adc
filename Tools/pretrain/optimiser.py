"""Muon for the matrices inside the layers, AdamW for embeddings and norms; one schedule for both."""

import torch


@torch.no_grad()
def orthogonalised(g):
    """Five Newton-Schulz steps towards the nearest orthogonal matrix, for a stack (N, R, C), R <= C.

    In f32: torch.optim.Muon works in bf16, which is forty times slower on a CPU without bf16 units.
    """
    x = g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x


class Muon:
    """Momentum, orthogonalised per matrix (Jordan et al. 2024); update size matched to AdamW's."""

    def __init__(self, parameters, weight_decay: float = 0.05, momentum: float = 0.95):
        self.shapes = {}
        for p in parameters:
            self.shapes.setdefault(tuple(p.shape), []).append(p)
        self.weight_decay, self.momentum = weight_decay, momentum
        self.buffers = {s: torch.zeros(len(ps), *s, device=ps[0].device) for s, ps in self.shapes.items()}
        self.rate = 0.0

    @torch.no_grad()
    def step(self) -> None:
        for shape, parameters in self.shapes.items():
            gradient = torch.stack([p.grad for p in parameters])
            buffer = self.buffers[shape].mul_(self.momentum).add_(gradient)
            update = gradient.add_(buffer, alpha=self.momentum)
            tall = shape[0] > shape[1]
            update = orthogonalised(update.mT if tall else update)
            update = (update.mT if tall else update) * 0.2 * max(shape) ** 0.5
            for p, u in zip(parameters, update):
                p.mul_(1 - self.rate * self.weight_decay).add_(u, alpha=-self.rate)
                p.grad = None


class Optimiser:
    """Warm-up, constant, then linear decay to `final` over the last `decay` share of the budget."""

    def __init__(self, model, muon_rate: float, adam_rate: float, decay: float = 0.45,
                 final: float = 0.02):
        matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
        others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
        self.muon = Muon(matrices)
        self.adam = torch.optim.AdamW(others, lr=adam_rate, betas=(0.9, 0.95), weight_decay=0.0)
        self.muon_rate, self.adam_rate = muon_rate, adam_rate
        self.decay, self.final = decay, final

    def set_progress(self, progress: float, warmup: float = 0.01) -> float:
        """`progress` is the share of the budget that is spent. Returns the factor in force."""
        factor = min(1.0, progress / warmup + 0.02)
        if progress > 1 - self.decay:
            left = max(0.0, (1 - progress) / self.decay)
            factor = self.final + (1 - self.final) * left
        self.muon.rate = self.muon_rate * factor
        for group in self.adam.param_groups:
            group["lr"] = self.adam_rate * factor
        return factor

    def step(self) -> None:
        self.muon.step()
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)

    def state(self) -> dict:
        return {"muon": self.muon.buffers, "adam": self.adam.state_dict()}

    def load(self, state: dict) -> None:
        for shape, buffer in state["muon"].items():
            self.muon.buffers[shape].copy_(buffer)
        self.adam.load_state_dict(state["adam"])
