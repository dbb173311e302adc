"""Makes Tests/Fixtures/gguf: the checkpoints of Tests/Fixtures/families in GGUF, as llama.cpp's
converter lays them out, and blocks of every quantised type with what the gguf package makes of them.

    python Tools/reference/families.py Tests/Fixtures/families
    python Tools/reference/gguf_fixture.py Tests/Fixtures
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file
from safetensors.torch import load_file

MODELS = {"mistral": ("llama", Type.BF16), "llama3": ("llama", Type.F32),
          "qwen2-yarn": ("qwen2", Type.BF16), "qwen3": ("qwen3", Type.BF16),
          "phi3-longrope": ("phi3", Type.BF16), "smollm2": ("llama", Type.Q8_0),
          "gemma2": ("gemma2", Type.BF16), "gemma3": ("gemma3", Type.BF16)}
NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down"}
GEMMA_NAMES = NAMES | {
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm"}


def name_of(tensor: str, names: dict) -> str:
    stem, suffix = tensor.rsplit(".", 1)
    if stem.startswith("model.layers."):
        _, _, layer, rest = stem.split(".", 3)
        return f"blk.{layer}.{names[rest]}.{suffix}"
    return f"{names[stem]}.{suffix}"


def permuted(tensor: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp's order of the rows of q and k: the halves of a head interleaved."""
    rest = tensor.shape[1:]
    split = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *rest)
    return split.swapaxes(1, 2).reshape(tensor.shape)


def write(name: str, architecture: str, kind: Type, source: Path, out: Path) -> None:
    config = json.loads((source / "config.json").read_text())
    rope = config["rope_parameters"]
    windowed, rope = rope.get("sliding_attention"), rope.get("full_attention", rope)
    is_gemma = architecture.startswith("gemma")
    heads, shared = config["num_attention_heads"], config["num_key_value_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    writer = gguf.GGUFWriter(out / f"{name}.gguf", architecture)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(shared)
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope["rope_theta"])
    rotary = int(head_size * rope.get("partial_rotary_factor", 1.0))
    writer.add_rope_dimension_count(rotary)
    if config.get("sliding_window") and (is_gemma or architecture in ("llama", "phi3")):
        writer.add_sliding_window(config["sliding_window"])
    if config.get("attn_logit_softcapping"):
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
    if windowed:
        writer.add_rope_freq_base_swa(windowed["rope_theta"])
        writer.add_sliding_window_pattern(2)  # The second of the three layers sees all.
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(rope, rotary))
    if rope["rope_type"] == "longrope":
        original = rope["original_max_position_embeddings"]
        scale = config["max_position_embeddings"] / original
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(float(np.sqrt(1 + np.log(scale) / np.log(original))))
        for length in ["long", "short"]:
            factors = np.array(rope[f"{length}_factor"], np.float32)
            writer.add_tensor(f"rope_factors_{length}.weight", factors)
    vocabulary(writer, config["vocab_size"])
    tensors = {}
    for file in sorted(source.glob("*.safetensors")):
        tensors |= load_file(file)
    for key, tensor in tensors.items():
        array = tensor.float().numpy()
        ours = name_of(key, GEMMA_NAMES if is_gemma else NAMES)
        if is_gemma and key.endswith("norm.weight"):
            array = array + np.float32(1)
        if architecture == "llama" and ".attn_q." in ours:
            array = permuted(array, heads)
        if architecture == "llama" and ".attn_k." in ours:
            array = permuted(array, shared)
        if kind == Type.F32 or array.ndim == 1:
            writer.add_tensor(ours, array)
        else:
            # Where rows are no whole blocks, llama.cpp takes a plain type too.
            fits = kind != Type.Q8_0 or array.shape[1] % 32 == 0
            tensor_kind = kind if fits else Type.F16
            writer.add_tensor(ours, gguf.quants.quantize(array, tensor_kind), raw_dtype=tensor_kind)
    finish(writer)


def vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    """Letters, and what SentencePiece has before them."""
    tokens = ["<unk>", "<s>", "</s>", "\u2581"] + [chr(48 + i) for i in range(size - 4)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(i) for i in range(size)])
    writer.add_token_types([2, 3, 3] + [1] * (size - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{{ bos_token }}{% for m in messages %}{{ '<start_of_turn>' }}{% endfor %}")


def llama3_divisors(rope: dict, size: int) -> np.ndarray:
    """As llama.cpp's converter computes them."""
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    divisors = []
    for frequency in 1.0 / rope["rope_theta"] ** (np.arange(0, size, 2) / size):
        length = 2 * np.pi / frequency
        if length < high:
            divisors.append(1.0)
        elif length > low:
            divisors.append(rope["factor"])
        else:
            smooth = (rope["original_max_position_embeddings"] / length - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"])
            divisors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(divisors, np.float32)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantised(out: Path) -> None:
    generator = np.random.default_rng(20261126)
    writer = gguf.GGUFWriter(out / "quantised.gguf", "none")
    expected = {}
    for kind in [Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_K, Type.Q6_K]:
        values = generator.normal(size=(3, 512)).astype(np.float32)
        if kind in (Type.Q4_K, Type.Q6_K):
            # The package quantises no K types: every pattern of bits, with scales that are numbers.
            size = 144 if kind == Type.Q4_K else 210
            blocks = generator.integers(0, 256, (3, 2, size), np.uint8)
            scales = generator.normal(size=(3, 2, 2)).astype(np.float16).view(np.uint8)
            if kind == Type.Q4_K:
                blocks[..., :4] = scales.reshape(3, 2, 4)
            else:
                blocks[..., 208:] = scales.reshape(3, 2, 4)[..., :2]
            data = blocks.reshape(3, -1)
        else:
            data = gguf.quants.quantize(values, kind)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        expected[kind.name] = gguf.quants.dequantize(data, kind).astype(np.float32)
    finish(writer)
    save_file(expected, out / "quantised.safetensors")


def main(fixtures: Path) -> None:
    out = fixtures / "gguf"
    out.mkdir(exist_ok=True)
    for name, (architecture, kind) in MODELS.items():
        write(name, architecture, kind, fixtures / "families" / name, out)
    quantised(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
