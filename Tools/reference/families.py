"""Makes Tests/Fixtures/families: a tiny random checkpoint of every family and every way to scale
rotations, with the logits that Hugging Face transformers computes (f32, CPU) and its greedy tokens.

    python Tools/reference/families.py Tests/Fixtures/families

Weights are stored as bf16. Contexts are long enough to pass the scaling point (256); "qwen3" comes in
shards. Dynamic NTK depends on the length so far, so its reference decodes one token at a time.
Entropy-ABF (arXiv 2401.07004) is not in transformers: its authors' formula is put in here.
"""

import json
import math
import shutil
import sys
from pathlib import Path

import torch
from transformers import (
    DynamicCache, Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, MistralConfig,
    MistralForCausalLM, Phi3Config, Phi3ForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config,
    Qwen3ForCausalLM)

LENGTH, ORIGINAL, PROMPT, GREEDY = 601, 256, 300, 64
POSITIONS = [0, 1, 511, 600]
SHAPE = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=768,
    rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=1, pad_token_id=None)


def rope(kind: str, **parameters) -> dict:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **parameters}}


FAMILIES = {
    "llama-linear": (LlamaConfig, LlamaForCausalLM, rope("linear", factor=3.0)),
    "llama-dynamic": (LlamaConfig, LlamaForCausalLM,
                      rope("dynamic", factor=3.0) | {"max_position_embeddings": ORIGINAL}),
    "llama-eabf": (LlamaConfig, LlamaForCausalLM, {
        "num_hidden_layers": 4,
        "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}}),
    "llama3": (LlamaConfig, LlamaForCausalLM, rope(
        "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=ORIGINAL) | {"attention_bias": True}),
    "smollm2": (LlamaConfig, LlamaForCausalLM,
                rope("default") | {"rope_parameters": {
                    "rope_type": "default", "rope_theta": 100000.0}, "tie_word_embeddings": True}),
    "mistral": (MistralConfig, MistralForCausalLM,
                rope("default") | {"sliding_window": 40, "head_dim": 12}),
    "qwen2-yarn": (Qwen2Config, Qwen2ForCausalLM, rope(
        "yarn", factor=3.0, original_max_position_embeddings=ORIGINAL)),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, rope("default") | {"head_dim": 16}),
    "phi3-longrope": (Phi3Config, Phi3ForCausalLM, {
        "rope_parameters": {
            "rope_type": "longrope", "rope_theta": 10000.0,
            "short_factor": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5],
            "long_factor": [1.5, 2.0, 2.5, 3.0, 3.5, 4.0],
            "original_max_position_embeddings": ORIGINAL, "partial_rotary_factor": 0.75},
        "original_max_position_embeddings": ORIGINAL, "hidden_size": 64, "sliding_window": 200}),
    "gemma2": (Gemma2Config, Gemma2ForCausalLM, {
        "head_dim": 12, "sliding_window": 40, "query_pre_attn_scalar": 20,
        "attn_logit_softcapping": 4.0, "final_logit_softcapping": 6.0,
        "layer_types": ["sliding_attention", "full_attention"],
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}),
    "gemma3": (Gemma3TextConfig, Gemma3ForCausalLM, {
        "head_dim": 16, "sliding_window": 40, "num_hidden_layers": 3, "query_pre_attn_scalar": 16,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 100000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1000.0}}}),
}


def entropy_aware(model) -> None:
    """Past ORIGINAL positions, the queries of all layers but the first two grow with the logarithm."""
    def scaled(attention, arguments, named):
        seen = torch.arange(1, named["hidden_states"].shape[1] + 1)
        growth = (seen.log() / math.log(ORIGINAL)).clamp(min=1)
        attention.scaling = growth[None, None, :, None] / math.sqrt(attention.head_dim)

    for layer in model.model.layers[2:]:
        layer.self_attn.register_forward_pre_hook(scaled, with_kwargs=True)


@torch.no_grad()
def stepwise(model, tokens: list[int]) -> torch.Tensor:
    """Logits of every token, decoded one at a time."""
    cache, rows = DynamicCache(), []
    for position, token in enumerate(tokens):
        result = model(
            torch.tensor([[token]]), past_key_values=cache, use_cache=True,
            position_ids=torch.tensor([[position]]))
        rows.append(result.logits[0, -1])
    return torch.stack(rows)


@torch.no_grad()
def whole(model, tokens: list[int]) -> torch.Tensor:
    return model(torch.tensor([tokens]), use_cache=False).logits[0]


@torch.no_grad()
def greedy(model, tokens: list[int], incremental: bool) -> tuple[list[int], float]:
    """The tokens that follow, and how far the least certain of them was ahead of the second."""
    tokens, narrowest, cache = list(tokens), float("inf"), DynamicCache()
    if incremental:
        for position, token in enumerate(tokens[:-1]):
            model(torch.tensor([[token]]), past_key_values=cache, use_cache=True,
                  position_ids=torch.tensor([[position]]))
    for _ in range(GREEDY):
        if incremental:
            row = model(
                torch.tensor([tokens[-1:]]), past_key_values=cache, use_cache=True,
                position_ids=torch.tensor([[len(tokens) - 1]])).logits[0, -1]
        else:
            row = whole(model, tokens)[-1]
        best = row.topk(2)
        narrowest = min(narrowest, (best.values[0] - best.values[1]).item())
        tokens.append(best.indices[0].item())
    return tokens[PROMPT:], narrowest


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    for name, (config_class, model_class, changes) in FAMILIES.items():
        torch.manual_seed(20261126)
        config = config_class(**(SHAPE | changes))
        config._attn_implementation = "eager"
        model = model_class(config).float().eval()
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                # Larger than the usual 0.02, so that attention is far from uniform.
                parameter.normal_(0, 0.25)
                if key.endswith("norm.weight") and "gemma" not in name:
                    parameter.add_(1.0)
                parameter.copy_(parameter.bfloat16().float())
        if name == "llama-eabf":
            entropy_aware(model)
        out = folder / name
        shutil.rmtree(out, ignore_errors=True)
        tokens = torch.randint(0, config.vocab_size, (LENGTH,)).tolist()
        incremental = name == "llama-dynamic"
        logits = (stepwise if incremental else whole)(model, tokens)
        following, narrowest = greedy(model, tokens[:PROMPT], incremental)
        reference = {
            "made_by": "Tools/reference/families.py", "tokens": tokens, "positions": POSITIONS,
            "logits": [[round(v, 6) for v in logits[p].tolist()] for p in POSITIONS],
            "prompt": PROMPT, "greedy": following}
        model.bfloat16().save_pretrained(out, **({"max_shard_size": "15KB"} if name == "qwen3" else {}))
        (out / "generation_config.json").unlink(missing_ok=True)
        if name == "llama-eabf":
            written = json.loads((out / "config.json").read_text())
            del written["rope_parameters"]
            written |= {"max_position_embeddings": ORIGINAL,
                        "rope_scaling": {"type": "eabf", "factor": 3.0}}
            (out / "config.json").write_text(json.dumps(written, indent=2) + "\n")
        (out / "reference.json").write_text(json.dumps(reference))
        print(f"{name}: narrowest lead {narrowest:.4f}, largest logit {logits.abs().max():.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
