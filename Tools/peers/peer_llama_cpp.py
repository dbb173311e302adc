"""llama.cpp through the C interface that llama-cpp-python ships; what Python adds to a forward is
one call (a few microseconds)."""

import ctypes
from pathlib import Path

import llama_cpp as api
import numpy

most_tokens = 512  # of a forward


@api.llama_log_callback
def silence(level, text, data):
    pass


class LlamaCpp:
    """A GGUF model with one sequence in its cache."""

    def __init__(self, file: Path, threads: int, context: int = 2048):
        api.llama_log_set(silence, ctypes.c_void_p())
        api.llama_backend_init()
        self.model = api.llama_model_load_from_file(
            str(file).encode(), api.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"{file}: llama.cpp cannot load it")
        options = api.llama_context_default_params()
        options.n_ctx, options.n_batch = context, most_tokens
        options.n_threads = options.n_threads_batch = threads
        self.context = api.llama_init_from_model(self.model, options)
        self.vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))
        self.memory = api.llama_get_memory(self.context)
        self.batch = api.llama_batch_init(most_tokens, 0, 1)
        view = numpy.ctypeslib.as_array  # filling the batch must cost no time
        self.tokens, self.positions, self.rows = (
            view(pointer, (most_tokens,))
            for pointer in (self.batch.token, self.batch.pos, self.batch.logits))
        for k in range(most_tokens):
            self.batch.n_seq_id[k] = 1
            self.batch.seq_id[k][0] = 0
        self.length = 0
        self.greedy = self.chain(api.llama_sampler_init_greedy())
        full = self.chain(
            api.llama_sampler_init_top_k(40), api.llama_sampler_init_top_p(0.95, 1),
            api.llama_sampler_init_temp(0.8), api.llama_sampler_init_dist(1))
        self.samplers = {
            "greedy": lambda: api.llama_sampler_sample(self.greedy, self.context, -1),
            "chain": lambda: api.llama_sampler_sample(full, self.context, -1)}
        self.facts = {
            "threads": threads, "weight_bytes": api.llama_model_size(self.model),
            "parameters": api.llama_model_n_params(self.model),
            "kernels": f"llama-cpp-python {api.__version__}"}

    def chain(self, *parts):
        chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        for part in parts:
            api.llama_sampler_chain_add(chain, part)
        return chain

    def forward(self, tokens: list[int], rows: int) -> None:
        """Logits for the last `rows` tokens."""
        count = self.batch.n_tokens = len(tokens)
        self.tokens[:count] = tokens
        self.positions[:count] = range(self.length, self.length + count)
        self.rows[:count - rows] = 0
        self.rows[count - rows:count] = 1
        if api.llama_decode(self.context, self.batch) != 0:
            raise SystemExit("llama_decode failed")
        api.llama_synchronize(self.context)
        self.length += count

    def truncate(self, length: int) -> None:
        api.llama_memory_seq_rm(self.memory, 0, length, -1)
        self.length = length

    def draft_step(self) -> int:
        self.forward([7], 1)
        return api.llama_sampler_sample(self.greedy, self.context, -1)

    def best(self, row: int) -> int:
        """The likeliest token after row `row` of the last forward's batch."""
        logits = api.llama_get_logits_ith(self.context, row)
        return int(numpy.ctypeslib.as_array(logits, (self.vocabulary,)).argmax())

    def read(self, tokens: list[int]) -> None:
        for start in range(0, len(tokens), most_tokens):
            self.forward(tokens[start:start + most_tokens], 1)


def plain(target: LlamaCpp, prompt: list[int], count: int, ends: set[int]) -> list[int]:
    target.truncate(0)
    target.read(prompt)
    out = [target.best(-1)]
    while len(out) < count and out[-1] not in ends:
        target.forward(out[-1:], 1)
        out.append(target.best(0))
    return out


def speculative(target: LlamaCpp, draft: LlamaCpp, prompt: list[int], count: int,
                ends: set[int], length: int) -> list[int]:
    """The loop of llama.cpp's examples/speculative-simple with a fixed draft length, greedy."""
    for model in (target, draft):
        model.truncate(0)
        model.read(prompt)
    out = [target.best(-1)]
    pending = out[:]  # tokens that the draft has not read
    while len(out) < count and out[-1] not in ends:
        candidates: list[int] = []
        while len(candidates) < min(length, count - len(out) - 1):
            draft.forward(pending, 1)
            pending = [draft.best(-1)]
            candidates += pending
        target.forward([out[-1], *candidates], len(candidates) + 1)
        best = [target.best(k) for k in range(len(candidates) + 1)]
        kept = 0
        while kept < len(candidates) and best[kept] == candidates[kept]:
            kept += 1
        out += best[:kept + 1]
        text = prompt + out
        target.truncate(len(text) - 1)
        draft.truncate(min(draft.length, len(text) - 1))
        pending = text[draft.length:]
        for place, token in enumerate(out):
            if token in ends:
                return out[:place + 1]
    return out
