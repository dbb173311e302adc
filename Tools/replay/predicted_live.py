#!/usr/bin/env python3
"""What predictions of lengths are worth to the engine of this machine, in real time.

Requests come as a Poisson process with prompts of a file, and the target answers them until it ends
its answers: first come, first served, then by predicted lengths, then by the true ones, which the
first run has told. Under every policy the answers must be the same, token count for token count.
Nothing else should run meanwhile.

    Tools/replay/predicted_live.py .build/release/foretoken PROMPTS.jsonl --out /tmp/predicted \\
        --predictor Weights/lengths/target-prompt.safetensors.zst \\
        --state-predictor Weights/lengths/target.safetensors.zst --rate 30 \\
        -- --max-num-seqs 8 --max-tokens 256 --temperature 1 --top-k 50 --preemption swap

Arguments after -- go to every replay. Steps can be done apart (--only fcfs, then each arm by name),
so that no step is long; the table shows the arms that are there.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys


def answers(log):
    """By request: when it came, its prompt's tokens, its answer's tokens and seconds to its end."""
    rows = {}
    for line in log.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "arrive":
            rows[event.get("request", 0)] = [event["t"], event["input"]]
        elif event["event"] == "finish":
            row = rows[event.get("request", 0)]
            row += [event["tokens"], event["t"] - row[0]]
    return [rows[request] for request in sorted(rows)]


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def gain(base, other, rounds=2000, block=20):
    """Mean latency of the first over the second's, with a 95 % interval: stretches of neighbouring
    requests are drawn again, the same ones from both."""
    random.seed(1)
    starts = range(0, len(base), block)
    ratios = []
    for _ in range(rounds):
        drawn = random.choices(starts, k=len(starts))
        sums = [sum(sum(run[start:start + block]) for start in drawn) for run in (base, other)]
        ratios.append(sums[0] / sums[1])
    return sum(base) / sum(other), quantile(ratios, 0.025), quantile(ratios, 0.975)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("prompts")
    parser.add_argument("--out", required=True, help="folder of traces and logs")
    parser.add_argument("--predictor", required=True, help="reads prompts")
    parser.add_argument("--state-predictor", help="reads hidden states")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rate", type=float, default=12, help="requests a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--only", nargs="*", help="arms to run; without: all")
    here = sys.argv[1:]
    end = here.index("--") if "--" in here else len(here)
    options, rest = parser.parse_args(here[:end]), here[end + 1:]
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)

    arms = {
        "fcfs": ["--policy", "fcfs"],
        "sjf": ["--policy", "sjf", "--predictor", options.predictor],
        "srtf": ["--policy", "srtf", "--predictor", options.predictor],
    }
    if options.state_predictor:
        arms["srtf+state"] = arms["srtf"] + ["--state-predictor", options.state_predictor]
    arms["sjf-oracle"] = ["--policy", "sjf", "--predictor", "oracle"]
    arms["srtf-oracle"] = ["--policy", "srtf", "--predictor", "oracle"]

    arrivals, told = out / "arrivals.csv", out / "answers.csv"
    if not arrivals.exists():
        draw, clock = random.Random(options.seed), 0.0
        lines = ["arrival_s,input_tokens,output_tokens"]
        for _ in range(options.count):
            clock += draw.expovariate(options.rate)
            lines.append(f"{clock:.6f},1,1")
        arrivals.write_text("\n".join(lines) + "\n")
    for name, arguments in arms.items():
        if options.only and name not in options.only:
            continue
        log = out / f"{name}.jsonl"
        trace = arrivals if name == "fcfs" else told
        subprocess.run(
            [options.program, "replay", str(trace), "--live", "--prompts", options.prompts,
             "-t", options.threads, "--log", str(log), "--json", "-q"] + arguments + rest,
            check=True, stdout=subprocess.DEVNULL)
        if name == "fcfs":
            lines = [f"{t:.6f},{prompt},{tokens}" for t, prompt, tokens, _ in answers(log)]
            told.write_text("\n".join(["arrival_s,input_tokens,output_tokens"] + lines) + "\n")

    base = answers(out / "fcfs.jsonl")
    print(f"{len(base)} requests, {sum(row[2] for row in base)} tokens of answers")
    print("arm             mean E2E s    p50     p90     p99  all done s   gain in the mean (95 %)")
    for name in arms:
        log = out / f"{name}.jsonl"
        if not log.exists():
            continue
        rows = answers(log)
        if [row[2] for row in rows] != [row[2] for row in base]:
            raise SystemExit(f"{name}: the answers are not those of fcfs")
        latencies = [row[3] for row in rows]
        ratio, low, high = gain([row[3] for row in base], latencies)
        shares = "".join(f"{quantile(latencies, share):8.2f}" for share in (0.5, 0.9, 0.99))
        end = max(row[0] + row[3] for row in rows)
        print(f"{name:14s}{sum(latencies) / len(latencies):12.2f}{shares}{end:12.1f}"
              f"   {ratio:.2f}x ({low:.2f}-{high:.2f})")


if __name__ == "__main__":
    main()
