"""Hugging Face transformers on torch's CPU kernels."""

import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.generation import LogitsProcessorList
from transformers.generation.logits_process import (
    TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper)

warnings.simplefilter("ignore", FutureWarning)
# f16 is not a fast type of torch on a CPU; bf16 has as many bits.
TYPES = {"f16": torch.bfloat16, "f32": torch.float32}


class Transformers:
    """A model with one sequence in its cache."""

    def __init__(self, folder: Path, dtype: str, threads: int):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=TYPES[dtype]).eval()
        self.vocabulary = self.model.config.vocab_size
        self.cache = DynamicCache(config=self.model.config)
        warpers = LogitsProcessorList(
            [TemperatureLogitsWarper(0.8), TopKLogitsWarper(40), TopPLogitsWarper(0.95)])

        def chain() -> int:
            scores = warpers(None, self.logits.float())
            return int(torch.multinomial(scores.softmax(-1), 1))

        self.samplers = {"greedy": lambda: int(self.logits.argmax(-1)), "chain": chain}
        parameters = sum(p.numel() for p in self.model.parameters())
        self.facts = {
            "threads": threads, "parameters": parameters,
            "weight_bytes": parameters * TYPES[dtype].itemsize,
            "kernels": f"transformers {transformers.__version__}, torch {torch.__version__}, "
                       + str(TYPES[dtype]).removeprefix("torch.")}

    def forward(self, tokens: list[int], rows: int) -> None:
        result = self.model(
            torch.tensor([tokens]), past_key_values=self.cache, use_cache=True,
            logits_to_keep=rows)
        self.logits = result.logits[:, -1]

    def truncate(self, length: int) -> None:
        if length == 0:
            self.cache = DynamicCache(config=self.model.config)
        elif length < self.cache.get_seq_length():
            self.cache.crop(length - self.cache.get_seq_length())

    def draft_step(self) -> int:
        self.forward([7], 1)
        return int(self.logits.argmax(-1))


def generate(target: Transformers, draft: Transformers | None, prompt: list[int], count: int,
             length: int) -> list[int]:
    """Greedy; with a draft, assisted generation that always proposes `length` tokens."""
    ids = torch.tensor([prompt])
    assisted = {} if draft is None else {"assistant_model": draft.model}
    if draft is not None:
        settings = draft.model.generation_config
        settings.num_assistant_tokens = length
        settings.num_assistant_tokens_schedule = "constant"
        settings.assistant_confidence_threshold = 0.0
    out = target.model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=count,
        pad_token_id=0, **assisted)
    return out[0, len(prompt):].tolist()
