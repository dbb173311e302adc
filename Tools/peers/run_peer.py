"""One measurement of a peer in a process of its own, as one JSON object; compare.py calls it.

    python run_peer.py engine llama.cpp|transformers MODEL --dtype f16 [--context 128 …]
    python run_peer.py start llama.cpp|transformers MODEL --prompt "[1, 2]"
    python run_peer.py speculate llama.cpp|transformers TARGET --draft MODEL < requests

MODEL is a GGUF file or a folder. A request is a line {"prompt": [ids], "count": n, "ends": [ids]}.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import measurement


def opened(options, model: Path):
    if options.peer == "llama.cpp":
        from peer_llama_cpp import LlamaCpp

        return LlamaCpp(model, options.threads)
    from peer_transformers import Transformers

    return Transformers(model, options.dtype, options.threads)


def engine(options) -> dict:
    return measurement.measure(
        opened(options, options.model), options.context, options.widths, options.prefill,
        options.repeats)


def start(options) -> dict:
    """Seconds from opening the model to its first token; Python and its imports are not counted."""
    if options.peer == "llama.cpp":
        import peer_llama_cpp  # noqa: F401
    else:
        import peer_transformers  # noqa: F401
    begin = time.perf_counter()
    model = opened(options, options.model)
    model.forward(json.loads(options.prompt), 1)
    model.samplers["greedy"]()
    return {"seconds": time.perf_counter() - begin}


def speculate(options) -> dict:
    """Answers all requests in every mode; the first request twice, the second counted."""
    requests = [json.loads(line) for line in sys.stdin]
    target, draft = (opened(options, model) for model in (options.model, options.draft))
    modes = {}
    for length in options.lengths:
        answers = []
        for request in requests[:1] + requests:
            prompt, count, ends = request["prompt"], request["count"], set(request["ends"])
            begin = time.perf_counter()
            if options.peer == "llama.cpp":
                from peer_llama_cpp import plain, speculative

                tokens = (plain(target, prompt, count, ends) if length == 0
                          else speculative(target, draft, prompt, count, ends, length))
            else:
                from peer_transformers import generate

                tokens = generate(target, draft if length else None, prompt, count, length)
            seconds = time.perf_counter() - begin
            answers.append({"seconds": seconds, "tokens": [t for t in tokens if t not in ends]})
        modes["plain" if length == 0 else f"fixed:{length}"] = answers[1:]
    return modes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["engine", "start", "speculate"])
    parser.add_argument("peer", choices=["llama.cpp", "transformers"])
    parser.add_argument("model", type=Path)
    parser.add_argument("--draft", type=Path)
    parser.add_argument("--dtype", default="f16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--context", type=int, nargs="+", default=[128])
    parser.add_argument("--widths", type=int, nargs="+", default=[1])
    parser.add_argument("--prefill", type=int, nargs="*", default=[])
    parser.add_argument("--lengths", type=int, nargs="+", default=[0], help="0 is plain decoding")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--prompt", default="[1]")
    options = parser.parse_args()
    actions = {"engine": engine, "start": start, "speculate": speculate}
    print(json.dumps(actions[options.what](options)))


if __name__ == "__main__":
    main()
