"""Makes Tests/Fixtures/tiny-llama/perplexity.json: the losses that Hugging Face transformers computes
for a text in windows that overlap by half, with the tiny checkpoint there (f32, CPU).

    python Tools/reference/perplexity.py Tests/Fixtures/tiny-llama
"""

import json
import sys
from pathlib import Path

import torch
from transformers import LlamaForCausalLM


def losses(model: LlamaForCausalLM, tokens: list[int], window: int) -> list[float]:
    """Of every token but the first: the guide to perplexity, with a stride of half a window."""
    result: list[float] = []
    while len(result) + 1 < len(tokens):
        next_token = len(result) + 1
        start = 0 if next_token == 1 else next_token - window // 2
        end = min(start + window, len(tokens))
        part = torch.tensor([tokens[start:end]])
        with torch.no_grad():
            logits = model(part).logits[0].double()
        each = torch.nn.functional.cross_entropy(logits[:-1], part[0, 1:], reduction="none")
        result += each[next_token - start - 1:].tolist()
    return result


def main(folder: Path) -> None:
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(20261126)
    tokens = torch.randint(0, model.config.vocab_size, (300,), generator=generator).tolist()
    cases = []
    for window in [32, 100, 128]:
        found = losses(model, tokens, window)
        mean = sum(found) / len(found)
        cases.append({
            "window": window, "losses": found,
            "perplexity": float(torch.tensor(mean, dtype=torch.float64).exp()),
        })
    (folder / "perplexity.json").write_text(json.dumps(
        {"made_by": "Tools/reference/perplexity.py", "tokens": tokens, "cases": cases}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
