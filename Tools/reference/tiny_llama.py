"""Makes Tests/Fixtures/tiny-llama*: tiny random Llama checkpoints with the logits that Hugging Face
transformers computes for them (f32, CPU).

    python Tools/reference/tiny_llama.py Tests/Fixtures

The two models differ in everything that the decoder must get right: tied and separate output,
q/k/v biases, grouped-query and multi-head attention, widths that do not fill a panel.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

SHAPES = {
    "tiny-llama": (LlamaConfig, LlamaForCausalLM, dict(
        vocab_size=61, hidden_size=32, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True)),
    "tiny-qwen2": (Qwen2Config, Qwen2ForCausalLM, dict(
        vocab_size=50, hidden_size=24, intermediate_size=72, num_hidden_layers=3,
        num_attention_heads=3, num_key_value_heads=3, tie_word_embeddings=False)),
}
PROMPT_LENGTHS = [1, 2, 7, 33, 70]


def main(folder: Path) -> None:
    for name, (config_class, model_class, shape) in SHAPES.items():
        torch.manual_seed(20261123)
        config = config_class(
            max_position_embeddings=128, rms_norm_eps=1e-5, rope_theta=10000.0,
            bos_token_id=None, eos_token_id=2, **shape)
        model = model_class(config).float().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                # Larger than the usual 0.02, so that attention is far from uniform.
                parameter.normal_(0, 0.3).add_(1.0 if parameter.dim() == 1 else 0.0)
        out = folder / name
        model.save_pretrained(out)
        prompts = []
        for length in PROMPT_LENGTHS:
            tokens = torch.randint(0, config.vocab_size, (1, length))
            with torch.no_grad():
                result = model(tokens, output_hidden_states=True)
            prompts.append({
                "tokens": tokens[0].tolist(),
                "last_logits": result.logits[0, -1].tolist(),
                "first_logits": result.logits[0, 0].tolist(),
                "last_hidden": result.hidden_states[-1][0, -1].tolist(),
            })
        reference = {"made_by": "Tools/reference/tiny_llama.py", "prompts": prompts}
        (out / "reference.json").write_text(json.dumps(reference))
        (out / "generation_config.json").unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
