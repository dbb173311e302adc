"""What "foretoken lengths collect" promises, checked on a real model: that batches beat one answer at a
time, and that a run killed at random moments ends with the rows of an undisturbed one.

    python Tools/lengths/collecting.py speed --foretoken .build/release/foretoken PROMPTS.jsonl
    python Tools/lengths/collecting.py kill --foretoken .build/release/foretoken PROMPTS.jsonl

PROMPTS.jsonl has lines with "prompt". Models are those that the command finds by itself, or --model.
"""

import argparse
import json
import pathlib
import random
import signal
import statistics
import subprocess
import tempfile
import time


def command(options, output, batch):
    words = [options.foretoken, "lengths", "collect", options.prompts, "-o", str(output)]
    words += ["--limit", str(options.count), "--draws", str(options.draws), "-q"]
    words += ["-n", str(options.tokens), "--seed", str(options.seed), "--batch", str(batch)]
    words += ["--threads", str(options.threads)] if options.threads else []
    return words + (["--model", options.model] if options.model else [])


def rows(path):
    """Lines of the file, without the one key that tells of time and not of answers."""
    parsed = [json.loads(line) for line in path.read_text().splitlines()]
    for row in parsed:
        row.pop("gen_time")
    return parsed


def timed(options, output, batch):
    start = time.monotonic()
    subprocess.run(command(options, output, batch), check=True)
    return time.monotonic() - start


def speed(options, folder):
    """Alternates the two, so that a change of the machine's pace meets both."""
    times = {1: [], options.batch: []}
    found = []
    for repeat in range(options.repeats):
        for batch, seconds in times.items():
            output = folder / f"{batch}-{repeat}.jsonl"
            seconds.append(timed(options, output, batch))
            found.append(rows(output))
    assert all(other == found[0] for other in found), "answers depend on the batch"
    alone, together = (statistics.median(seconds) for seconds in times.values())
    answers = len(found[0]) * options.draws
    tokens = sum(sum(row["output_sizes"]) for row in found[0])
    print(f"{answers} answers of {tokens / answers:.0f} tokens, the same both ways")
    print(f"one at a time {alone:.2f} s, {options.batch} at a time {together:.2f} s")
    print(f"ratio {alone / together:.2f}; runs " + ", ".join(
        f"{a / b:.2f}" for a, b in zip(*times.values())))


def kill(options, folder):
    calm = folder / "calm.jsonl"
    whole = timed(options, calm, options.batch)
    chance = random.Random(options.seed)
    killed = folder / "killed.jsonl"
    partial = folder / "killed.jsonl.partial"
    kept = []
    for number in range(options.kills):
        process = subprocess.Popen(command(options, killed, options.batch))
        time.sleep(chance.uniform(0, 3 * whole / options.kills))
        assert process.poll() is None, f"was done before kill {number + 1}: ask for more prompts"
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept.append(partial.read_text().count("\n") if partial.exists() else 0)
    print(f"killed {options.kills} times; rows kept: {kept}")
    assert kept == sorted(kept), "a row was lost"
    subprocess.run(command(options, killed, options.batch), check=True)
    assert not partial.exists() and rows(killed) == rows(calm), "the rows differ"
    print(f"{len(rows(killed))} rows, equal to those of the undisturbed run of {whole:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=["speed", "kill"])
    parser.add_argument("prompts")
    parser.add_argument("--foretoken", default=".build/release/foretoken")
    parser.add_argument("--model")
    parser.add_argument("--count", type=int, default=24, help="prompts")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=64, help="most tokens of an answer")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        {"speed": speed, "kill": kill}[options.what](options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
