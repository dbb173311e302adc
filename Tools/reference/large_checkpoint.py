"""Writes a Hugging Face folder of a Llama of random bf16 weights, in shards, to measure how large
models are converted and loaded.

    python Tools/reference/large_checkpoint.py FOLDER --layers 22 --hidden 2048    # TinyLlama's shape
    /usr/bin/time -v .build/release/foretoken convert FOLDER -o MADE

The tokenizer is that of Tests/Fixtures/tokenizer.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, default=22)
    parser.add_argument("--hidden", type=int, default=2048)
    options = parser.parse_args()
    hidden, vocabulary = options.hidden, 32000
    inner, shared = hidden * 11 // 4, hidden // 8
    options.folder.mkdir(parents=True)
    # One block of random values, of which every tensor takes a part: making them costs nothing then.
    block = torch.randn(1 << 26, generator=torch.Generator().manual_seed(1)).mul_(0.02).bfloat16()

    def tensor(place: int, *shape: int) -> torch.Tensor:
        count = torch.Size(shape).numel()
        start = place * 7919 % 4096
        parts = [block[start:]] * (count // (len(block) - start) + 1)
        return torch.cat(parts)[:count].reshape(shape)

    shards = [{"model.embed_tokens.weight": tensor(0, vocabulary, hidden),
               "model.norm.weight": torch.ones(hidden).bfloat16(),
               "lm_head.weight": tensor(1, vocabulary, hidden)}]
    for layer in range(options.layers):
        shapes = {"self_attn.q_proj": (hidden, hidden), "self_attn.k_proj": (shared, hidden),
                  "self_attn.v_proj": (shared, hidden), "self_attn.o_proj": (hidden, hidden),
                  "mlp.gate_proj": (inner, hidden), "mlp.up_proj": (inner, hidden),
                  "mlp.down_proj": (hidden, inner)}
        prefix = f"model.layers.{layer}."
        shard = {f"{prefix}{name}.weight": tensor(9 * layer + i, *shape)
                 for i, (name, shape) in enumerate(shapes.items())}
        for name in ["input_layernorm", "post_attention_layernorm"]:
            shard[f"{prefix}{name}.weight"] = torch.ones(hidden).bfloat16()
        shards.append(shard)
    places = {}
    for index, shard in enumerate(shards):
        name = f"model-{index + 1:05}-of-{len(shards):05}.safetensors"
        save_file(shard, options.folder / name)
        places |= {key: name for key in shard}
    (options.folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    heads = hidden // 64
    (options.folder / "config.json").write_text(json.dumps({
        "model_type": "llama", "vocab_size": vocabulary, "hidden_size": hidden,
        "intermediate_size": inner, "num_hidden_layers": options.layers,
        "num_attention_heads": heads, "num_key_value_heads": heads // 8,
        "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": False}))
    shutil.copy("Tests/Fixtures/tokenizer/tokenizer.json", options.folder)


if __name__ == "__main__":
    main()
