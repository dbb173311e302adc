"""Foretoken through its own programs, in the same objects as run_peer.py."""

import json
import subprocess
import time
from pathlib import Path


def output(command: list, text: str | None = None) -> str:
    return subprocess.run(
        [str(part) for part in command], input=text, check=True, capture_output=True,
        text=True).stdout


def engine(programs: Path, folder: Path, dtype: str, threads: int, repeats: int,
           contexts: list[int], widths: list[int], prefill: list[int]) -> dict:
    return json.loads(output(
        [programs / "foretoken-bench", "engine", "--folder", folder, "--dtype", dtype,
         "--threads", threads, "--repeats", repeats, "--json", "--context", *contexts,
         "--widths", *widths, "--prefill", *prefill]))


def start(programs: Path, folder: Path, dtype: str, threads: int, prompt: str) -> dict:
    """Seconds from the start of the program to the end of an answer of one token."""
    begin = time.perf_counter()
    output([programs / "foretoken", "generate", "--model", folder, "--dtype", dtype,
            "--threads", threads, "--no-speculation", "--no-progress", "--raw", "--max-tokens", 1,
            "--prompt", prompt])
    return {"seconds": time.perf_counter() - begin}


def speculate(programs: Path, target: Path, draft: Path, requests: list[dict], policy: str,
              types: tuple[str, str], threads: int) -> list[dict]:
    """Answers all requests; the first request twice, the second counted."""
    lines = "".join(
        json.dumps({"messages": r["messages"], "max_tokens": r["count"],
                    "draft_policy": policy}) + "\n"
        for r in requests[:1] + requests)
    events = output(
        [programs / "foretoken", "generate", "--jsonl", "--json", "--model", target,
         "--draft-model", draft, "--dtype", types[0], "--draft-dtype", types[1],
         "--threads", threads, "--no-progress"], lines)
    answers = []
    for request, event in zip(requests[:1] + requests, map(json.loads, events.splitlines())):
        timings = event["timings"]
        if event["usage"]["prompt_tokens"] != len(request["prompt"]):
            raise SystemExit("Foretoken reads another number of tokens from a prompt")
        answers.append({
            "seconds": (timings["prompt_ms"] + timings["predicted_ms"]) / 1000,
            "tokens": [t for t in event["tokens"] if t not in request["ends"]]})
    return answers[1:]
