"""One trace, live, with and without length priorities.

llama-cpp-python's OpenAI-compatible server on the loopback runs the shipped draft. It takes one request
at a time and knows no priorities, so the requests are ordered on this side; a server that knows them
(vLLM) gets the same command without --client-order. Prompts and answers have lognormal lengths, and
requests come at --load times what the server manages, which is measured first.

    pip install -r Tools/peers/requirements.txt 'llama-cpp-python[server]'
    python Tools/peers/priorities.py --program .build/release/foretoken --work WORK
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from llama_server import Server, draft_file

# Who orders, and by whose predictions: 0.56 is what the shipped predictor of lengths reaches.
ARMS = [
    ("first come, first served", ["--policy", "fcfs"]),
    ("shortest first, tau 0.56", ["--policy", "sjf", "--predictor", "noise", "--tau", "0.56"]),
    ("the same, with ageing", ["--policy", "sjf-ageing", "--predictor", "noise", "--tau", "0.56"]),
    ("least work, tau 0.56", ["--policy", "sjf-work", "--predictor", "noise", "--tau", "0.56"]),
    ("shortest first, oracle", ["--policy", "sjf", "--predictor", "oracle"]),
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
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--load", type=float, default=0.85)
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
        alone = replay("--limit", "16", "--time-scale", "1e-6")
        service = alone["e2e"]["mean"] - alone["wait"]["mean"]
        write_trace(trace, options.count, options.load / service)
        print(f"{options.count} requests at {options.load / service:.2f} a second, "
              f"{service:.2f} s of service each")
        print(f"{'':26} {'TTFT s':>8} {'p99':>7} {'E2E s':>8} {'95% of mean':>13} {'p99':>7} {'gain':>7}")
        base = None
        for name, flags in ARMS:
            run = replay(*flags)
            if run["finished"] != options.count:
                sys.exit(f"{name}: {run['finished']} of {options.count} requests were answered")
            base = base or run["e2e"]["mean"]
            print(f"{name:26} {run['ttft']['mean']:8.2f} {run['ttft']['p99']:7.2f} "
                  f"{run['e2e']['mean']:8.2f} "
                  f"{run['e2e_mean_low']:7.2f}-{run['e2e_mean_high']:.2f}  {run['e2e']['p99']:7.2f} "
                  f"{base / run['e2e']['mean']:6.2f}x", flush=True)
    finally:
        server.kill()


if __name__ == "__main__":
    main()
