"""One trace, live, with and without length priorities.

llama-cpp-python's OpenAI-compatible server on the loopback runs the shipped draft. It takes one request
at a time and knows no priorities, so the requests are ordered on this side; a server that knows them
(vLLM) gets the same command without --client-order. Prompts and answers have lognormal lengths, and
requests come at --load times what the server manages, which is measured first. Arms take turns, since a
busy machine serves faster at one time than at another; what is printed are medians over the rounds and
their range, gains within a round.

    pip install -r Tools/peers/requirements.txt 'llama-cpp-python[server]'
    python Tools/peers/priorities.py --program .build/release/foretoken --work WORK
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
from pathlib import Path

from llama_server import Server, draft_file

# Who orders, and by whose predictions: 0.56 is what the shipped predictor of lengths reaches.
ARMS = [
    ("first come, first served", ["--policy", "fcfs"]),
    ("shortest first, tau 0.56", ["--policy", "sjf", "--predictor", "noise", "--tau", "0.56"]),
    ("shortest first, oracle", ["--policy", "sjf", "--predictor", "oracle"]),
    ("least work, tau 0.56", ["--policy", "sjf-work", "--predictor", "noise", "--tau", "0.56"]),
    ("least work, oracle", ["--policy", "sjf-work", "--predictor", "oracle"]),
]


def write_trace(path: Path, count: int, rate: float) -> None:
    draw = random.Random(7)
    clock, rows = 0.0, ["arrival_s,input_tokens,output_tokens"]
    for _ in range(count):
        prompt = min(300, max(4, round(draw.lognormvariate(3.6, 0.7))))
        answer = min(400, max(2, round(draw.lognormvariate(3.2, 0.9))))
        rows.append(f"{clock:.4f},{prompt},{answer}")
        clock += draw.expovariate(rate)
    path.write_text("\n".join(rows) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, default=Path(".build/release/foretoken"))
    parser.add_argument("--pair", type=Path, default=Path("Weights"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8128)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--load", type=float, default=0.8)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    server = Server(draft_file(options.pair, options.program, options.work), options.port)
    trace = options.work / "trace.csv"

    def replay(*flags: str) -> dict:
        out = subprocess.run(
            [options.program, "replay", trace, "--endpoint", server.url, "--model", "draft",
             "--client-order", "--json", *flags], stdout=subprocess.PIPE, check=True).stdout
        return json.loads(out)

    try:
        server.wait()
        write_trace(trace, options.count, rate=1.0)
        alone = replay("--limit", "60", "--time-scale", "1e-6")
        service = alone["e2e"]["mean"] - alone["wait"]["mean"]
        write_trace(trace, options.count, options.load / service)
        print(f"{options.count} requests at {options.load / service:.1f} a second, "
              f"{service:.3f} s of service each, {options.rounds} rounds")
        runs = {name: [] for name, _ in ARMS}
        for _ in range(options.rounds):
            for name, flags in ARMS:
                run = replay(*flags)
                if run["finished"] != options.count:
                    sys.exit(f"{name}: {run['finished']} of {options.count} requests were answered")
                runs[name].append(run)
    finally:
        server.kill()

    def middle(values: list[float]) -> str:
        return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"

    print(f"{'':26} {'TTFT s':>18} {'E2E s':>18} {'p99':>18} {'gain of the mean':>18} "
          f"{'of the p99':>18}")
    base = runs[ARMS[0][0]]
    for name, rounds in runs.items():
        def cell(measure: str, statistic: str) -> str:
            return middle([run[measure][statistic] for run in rounds])
        gains = [middle([b["e2e"][which] / run["e2e"][which] for b, run in zip(base, rounds)])
                 for which in ("mean", "p99")]
        print(f"{name:26} {cell('ttft', 'mean'):>18} {cell('e2e', 'mean'):>18} "
              f"{cell('e2e', 'p99'):>18} {gains[0]:>18} {gains[1]:>18}")


if __name__ == "__main__":
    main()
