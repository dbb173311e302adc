"""Collects lengths from llama-cpp-python's OpenAI-compatible server, and kills it meanwhile.

The server runs the shipped draft as a GGUF file. The same prompts are asked twice: once of a server
that is left alone and once of one that is killed and started again while requests are on their way.
Both must give complete rows of the same schema and, since requests carry seeds, the same lengths.

    pip install -r Tools/peers/requirements.txt 'llama-cpp-python[server]'
    python Tools/peers/endpoint.py --program .build/release/foretoken --work WORK
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from llama_server import Server, draft_file

PROMPTS = [
    "Write a short email to my boss asking for a day off.", "What is a noun?",
    "Tom has 3 apples and buys 4 more. How many apples has he got?", "Name two colours.",
    "Write a Python function that adds two numbers.", "Tell me a story about a cat.",
]


def collect(program: Path, url: str, prompts: Path, out: Path) -> subprocess.Popen:
    out.unlink(missing_ok=True)
    return subprocess.Popen(
        [program, "lengths", "collect", prompts, "-o", out, "--endpoint", url, "--model", "draft",
         "--draws", "5", "-n", "48", "--concurrency", "2", "--end-uncounted", "--text"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, default=Path(".build/release/foretoken"))
    parser.add_argument("--pair", type=Path, default=Path("Weights"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8127)
    parser.add_argument("--kills", type=int, default=3)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    model = draft_file(options.pair, options.program, options.work)
    prompts = options.work / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": p}) + "\n" for p in PROMPTS))

    server = Server(model, options.port)
    try:
        server.wait()
        begin = time.monotonic()
        if collect(options.program, server.url, prompts, options.work / "calm.jsonl").wait():
            sys.exit("the undisturbed run failed")
        seconds = time.monotonic() - begin
        run = collect(options.program, server.url, prompts, options.work / "killed.jsonl")
        kills = 0
        for _ in range(options.kills):
            time.sleep(seconds / (options.kills + 2))
            if run.poll() is not None:
                break
            server.kill()
            kills += 1
            server.start()
        if run.wait():
            sys.exit("the disturbed run failed")
    finally:
        server.kill()

    def rows(name: str) -> list:
        return [json.loads(line) for line in (options.work / name).read_text().splitlines()]

    calm, killed = rows("calm.jsonl"), rows("killed.jsonl")
    keys = [list(row) for row in calm + killed]
    print(f"{len(calm)} and {len(killed)} rows of {len(PROMPTS)} prompts, {kills} kills of the server")
    print("keys:", ", ".join(keys[0]), "in all rows" if all(k == keys[0] for k in keys) else "DIFFER")
    same = sum(a["output_sizes"] == b["output_sizes"] for a, b in zip(calm, killed))
    print(f"{same} of {len(calm)} rows have the same lengths in both runs")
    complete = len(calm) == len(killed) == len(PROMPTS) and all(len(r["output_sizes"]) == 5 for r in calm + killed)
    sys.exit(0 if complete and all(k == keys[0] for k in keys) else 1)


if __name__ == "__main__":
    main()
