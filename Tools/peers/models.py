"""The same model in each one's format: Hugging Face folders with safetensors, and GGUF.

The shapes are those of Tools/bench/ModelSize.swift.
"""

import json
import shutil
import subprocess
from pathlib import Path

VOCABULARY = 8192
SHAPES = {  # hidden, layers, heads, key/value heads, intermediate
    "110m": (768, 14, 12, 4, 2560),
    "28m": (512, 8, 8, 4, 1408),
    "3m": (192, 4, 3, 1, 512),
}


def configuration(name: str) -> dict:
    hidden, layers, heads, key_value_heads, intermediate = SHAPES[name]
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": key_value_heads,
        "head_dim": hidden // heads, "vocab_size": VOCABULARY, "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True,
        "attention_bias": False, "mlp_bias": False, "torch_dtype": "float16",
        "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0,
    }


def random_folder(name: str, tokenizer: Path, out: Path) -> None:
    """A Hugging Face folder of f16 weights from a fixed seed, with the tokenizer of a folder."""
    import torch
    from safetensors.torch import save_file

    c = configuration(name)
    hidden, inner, size = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    query, key_value = c["num_attention_heads"] * size, c["num_key_value_heads"] * size
    generator = torch.Generator().manual_seed(1)

    def matrix(rows: int, columns: int):
        return (torch.randn(rows, columns, generator=generator) * columns ** -0.5).half()

    ones = torch.ones(hidden, dtype=torch.float16)
    weights = {"model.embed_tokens.weight": matrix(VOCABULARY, hidden), "model.norm.weight": ones}
    for index in range(c["num_hidden_layers"]):
        layer = f"model.layers.{index}."
        weights |= {
            layer + "input_layernorm.weight": ones.clone(),
            layer + "post_attention_layernorm.weight": ones.clone(),
            layer + "self_attn.q_proj.weight": matrix(query, hidden),
            layer + "self_attn.k_proj.weight": matrix(key_value, hidden),
            layer + "self_attn.v_proj.weight": matrix(key_value, hidden),
            layer + "self_attn.o_proj.weight": matrix(hidden, query),
            layer + "mlp.gate_proj.weight": matrix(inner, hidden),
            layer + "mlp.up_proj.weight": matrix(inner, hidden),
            layer + "mlp.down_proj.weight": matrix(hidden, inner),
        }
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(c))
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / file, out / file)


def plain_folder(folder: Path, program: Path, out: Path) -> None:
    """The folder again with model.safetensors in place of model.safetensors.zst."""
    out.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.json"):
        shutil.copy(file, out / file.name)
    subprocess.run(
        [program, "weights", "unpack", folder, "-o", out / "model.safetensors"],
        check=True, stderr=subprocess.DEVNULL)


GGUF_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "input_layernorm.weight": "attn_norm.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}


def gguf_name(name: str) -> str:
    if not name.startswith("model.layers."):
        return GGUF_NAMES[name]
    index, rest = name.removeprefix("model.layers.").split(".", 1)
    return f"blk.{index}.{GGUF_NAMES[rest]}"


def interleaved(weights, heads: int):
    """Rows in llama.cpp's order, which rotates neighbours, not halves."""
    rows, columns = weights.shape
    return (weights.reshape(heads, 2, rows // heads // 2, columns)
            .swapaxes(1, 2).reshape(rows, columns))


def add_vocabulary(writer, folder: Path) -> None:
    """The byte-level BPE of the shipped pair, which splits text as Qwen2 does."""
    import gguf

    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokens = {index: token for token, index in tokenizer["model"]["vocab"].items()}
    kinds = {index: gguf.TokenType.NORMAL for index in tokens}
    for added in tokenizer["added_tokens"]:
        tokens[added["id"]] = added["content"]
        kinds[added["id"]] = gguf.TokenType.CONTROL
    order = sorted(tokens)
    assert order == list(range(len(order))), "the vocabulary has gaps"
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([tokens[index] for index in order])
    writer.add_token_types([kinds[index] for index in order])
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    writer.add_eos_token_id(next(i for i in order if tokens[i] == settings["eos_token"]))
    writer.add_add_bos_token(False)
    writer.add_chat_template(settings["chat_template"])


def write_gguf(folder: Path, dtype: str, out: Path, with_vocabulary: bool = False) -> None:
    """model.safetensors as GGUF, f16 or q8 (Q8_0); without a vocabulary tokens go in and out."""
    import gguf
    import numpy
    from safetensors import safe_open

    c = json.loads((folder / "config.json").read_text())
    kind = {"f16": gguf.GGMLQuantizationType.F16, "q8": gguf.GGMLQuantizationType.Q8_0}[dtype]
    file_type = {"f16": gguf.LlamaFileType.MOSTLY_F16, "q8": gguf.LlamaFileType.MOSTLY_Q8_0}[dtype]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_file_type(file_type)
    writer.add_block_count(c["num_hidden_layers"])
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(c["hidden_size"])
    writer.add_feed_forward_length(c["intermediate_size"])
    writer.add_head_count(c["num_attention_heads"])
    writer.add_head_count_kv(c["num_key_value_heads"])
    writer.add_rope_dimension_count(c["head_dim"])
    writer.add_rope_freq_base(c["rope_theta"])
    writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    writer.add_vocab_size(c["vocab_size"])
    if with_vocabulary:
        add_vocabulary(writer, folder)
    else:
        writer.add_tokenizer_model("no_vocab")
    with safe_open(folder / "model.safetensors", "pt") as tensors:
        for name in tensors.keys():
            values = tensors.get_tensor(name).float().numpy()
            if name.endswith("q_proj.weight"):
                values = interleaved(values, c["num_attention_heads"])
            elif name.endswith("k_proj.weight"):
                values = interleaved(values, c["num_key_value_heads"])
            values = numpy.ascontiguousarray(values)
            if values.ndim == 1:
                writer.add_tensor(gguf_name(name), values)
            else:
                packed = gguf.quants.quantize(values, kind)
                writer.add_tensor(gguf_name(name), packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
