"""Stage 8: writes a model as a Hugging Face folder (bf16) and checks that transformers agrees.

    python Tools/pretrain/export.py --work DIR --model grown --out DIR/target
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from model import Llama, Shape


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    saved = torch.load(options.work / f"{options.model}.pt", weights_only=False)
    s = Shape(**saved["shape"])
    options.out.mkdir(parents=True, exist_ok=True)
    weights = {f"model.{n}": w.to(torch.bfloat16).contiguous() for n, w in saved["model"].items()}
    save_file(weights, options.out / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": s.hidden, "intermediate_size": s.intermediate, "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads, "num_key_value_heads": s.kv_heads, "head_dim": s.head_size,
        "vocab_size": s.vocabulary, "max_position_embeddings": s.context, "rms_norm_eps": s.epsilon,
        "rope_theta": s.theta, "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False,
        "torch_dtype": "bfloat16", "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0,
    }
    (options.out / "config.json").write_text(json.dumps(config, indent=1))
    generation = {"eos_token_id": [2, 0], "pad_token_id": 0, "do_sample": False}
    (options.out / "generation_config.json").write_text(json.dumps(generation, indent=1))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(options.work / name, options.out / name)

    ours = Llama(s).eval()
    ours.load_state_dict({n: w.to(torch.bfloat16).float() for n, w in saved["model"].items()})
    theirs = AutoModelForCausalLM.from_pretrained(options.out, dtype=torch.float32).eval()
    ids = torch.randint(0, s.vocabulary, (1, 100), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        a, b = ours.logits(ours.hidden(ids)), theirs(ids).logits
    print(f"{options.out}: {ours.parameter_count()} parameters, largest difference from transformers "
          f"{(a - b).abs().max().item():.1e} of {b.abs().max().item():.1f}")


if __name__ == "__main__":
    main()
