"""The Llama architecture of the pair, compact, with Hugging Face's tensor names.

Shapes: B sequences, T tokens, D hidden, H heads, G key/value heads, E head size.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int = 8192
    context: int = 1024
    epsilon: float = 1e-5
    theta: float = 10000.0

    @property
    def head_size(self) -> int:
        return 64

    def to_dict(self) -> dict:
        return asdict(self)


BASE = Shape(hidden=256, layers=6, heads=4, kv_heads=2, intermediate=704)
DRAFT = Shape(hidden=256, layers=3, heads=4, kv_heads=2, intermediate=704)


class RMSNorm(nn.Module):
    def __init__(self, size: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


def rotate(x, cosine, sine):
    """Rotary embedding in Hugging Face's half-split form; x is (B, H, T, E)."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), -1)
    return x * cosine + turned * sine


class Attention(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        self.q_proj = nn.Linear(s.hidden, s.heads * s.head_size, bias=False)
        self.k_proj = nn.Linear(s.hidden, s.kv_heads * s.head_size, bias=False)
        self.v_proj = nn.Linear(s.hidden, s.kv_heads * s.head_size, bias=False)
        self.o_proj = nn.Linear(s.heads * s.head_size, s.hidden, bias=False)

    def forward(self, x, angles, past):
        b, t, _ = x.shape
        s = self.s
        q = self.q_proj(x).view(b, t, s.heads, s.head_size).transpose(1, 2)
        k = self.k_proj(x).view(b, t, s.kv_heads, s.head_size).transpose(1, 2)
        v = self.v_proj(x).view(b, t, s.kv_heads, s.head_size).transpose(1, 2)
        q, k = rotate(q, *angles), rotate(k, *angles)
        if past is not None:
            if "k" in past:
                k, v = torch.cat((past["k"], k), 2), torch.cat((past["v"], v), 2)
            past["k"], past["v"] = k, v
        group = s.heads // s.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        # A cached step is one token that sees everything, unless a mask says otherwise.
        mask = past.get("mask") if past is not None else None
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None and t > 1)
        return self.o_proj(y.transpose(1, 2).reshape(b, t, -1))


class FeedForward(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.gate_proj = nn.Linear(s.hidden, s.intermediate, bias=False)
        self.up_proj = nn.Linear(s.hidden, s.intermediate, bias=False)
        self.down_proj = nn.Linear(s.intermediate, s.hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.input_layernorm = RMSNorm(s.hidden, s.epsilon)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = RMSNorm(s.hidden, s.epsilon)
        self.mlp = FeedForward(s)

    def forward(self, x, angles, past):
        x = x + self.self_attn(self.input_layernorm(x), angles, past)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """Tied embeddings, no biases. `hidden(ids)` gives (B, T, D); `logits` multiplies by E^T."""

    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        self.embed_tokens = nn.Embedding(s.vocabulary, s.hidden)
        self.layers = nn.ModuleList(Layer(s) for _ in range(s.layers))
        self.norm = RMSNorm(s.hidden, s.epsilon)
        frequency = s.theta ** (-torch.arange(0, s.head_size, 2).float() / s.head_size)
        angle = torch.outer(torch.arange(s.context).float(), frequency)
        angle = torch.cat((angle, angle), -1)
        self.register_buffer("cosine", angle.cos(), persistent=False)
        self.register_buffer("sine", angle.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                residual = "o_proj" in name or "down_proj" in name
                nn.init.normal_(p, 0, 0.02 if "embed" in name else p.shape[1] ** -0.5)
                if residual:
                    p.data.mul_((2 * s.layers) ** -0.5)

    def hidden(self, ids, pasts=None, positions=None):
        """`pasts`: one dict per layer, filled with keys and values. `positions`: (B, T) or None."""
        if positions is None:
            angles = (self.cosine[: ids.shape[1]], self.sine[: ids.shape[1]])
        else:
            angles = (self.cosine[positions][:, None], self.sine[positions][:, None])
        x = self.embed_tokens(ids)
        for index, layer in enumerate(self.layers):
            x = layer(x, angles, None if pasts is None else pasts[index])
        return self.norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.embed_tokens.weight)

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())
