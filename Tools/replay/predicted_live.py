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

Arguments after -- go to every replay. Every arm is run --repeats times, in turns; a log that is there
already is not made again. A mean is the median over the repeats, a gain that of the arm over fcfs of
the same repeat, each with its range; what stretches of requests make of it is the interval, of the
latencies' means over the repeats. The last column is what a step of a full batch took: where it
differs between the arms something else was running.
"""
import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys


def answers(log):
    """By request: when it came, its prompt's tokens, its answer's tokens and seconds to its end."""
    rows = {}
    for event in map(json.loads, log.read_text().splitlines()):
        if event["event"] == "arrive":
            rows[event.get("request", 0)] = [event["t"], event["input"]]
        elif event["event"] == "finish":
            row = rows[event.get("request", 0)]
            row += [event["tokens"], event["t"] - row[0]]
    return [rows[request] for request in sorted(rows)]


def full_steps(logs):
    """Milliseconds of the steps in which as many requests decoded as ever did, and nothing else."""
    steps = [
        (event["decodes"], event["seconds"]) for log in logs
        for event in map(json.loads, log.read_text().splitlines())
        if event["event"] == "step" and "decodes" in event and "prefills" not in event]
    most = max(decodes for decodes, _ in steps)
    full = [seconds for decodes, seconds in steps if decodes == most]
    return 1e3 * sum(full) / len(full)


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
    parser.add_argument("--repeats", type=int, default=3)
    here = sys.argv[1:]
    end = here.index("--") if "--" in here else len(here)
    options, rest = parser.parse_args(here[:end]), here[end + 1:]
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)

    arms = {
        "fcfs": ["--policy", "fcfs"],
        "sjf": ["--policy", "sjf", "--predictor", options.predictor],
        "sjf-work": ["--policy", "sjf-work", "--predictor", options.predictor],
        "srtf": ["--policy", "srtf", "--predictor", options.predictor],
    }
    if options.state_predictor:
        arms["srtf+state"] = arms["srtf"] + ["--state-predictor", options.state_predictor]
    arms["oracle"] = ["--policy", "sjf", "--predictor", "oracle"]

    arrivals, told = out / "arrivals.csv", out / "answers.csv"
    if not arrivals.exists():
        draw, clock = random.Random(options.seed), 0.0
        lines = ["arrival_s,input_tokens,output_tokens"]
        for _ in range(options.count):
            clock += draw.expovariate(options.rate)
            lines.append(f"{clock:.6f},1,1")
        arrivals.write_text("\n".join(lines) + "\n")
    for repeat in range(options.repeats):
        for name, arguments in arms.items():
            log = out / f"{name}-{repeat}.jsonl"
            if log.exists():
                continue
            trace = arrivals if name == "fcfs" else told
            subprocess.run(
                [options.program, "replay", str(trace), "--live", "--prompts", options.prompts,
                 "-t", options.threads, "--log", str(log), "--json", "-q"] + arguments + rest,
                check=True, stdout=subprocess.DEVNULL)
            if not told.exists():
                lines = [f"{t:.6f},{prompt},{tokens}" for t, prompt, tokens, _ in answers(log)]
                told.write_text("\n".join(["arrival_s,input_tokens,output_tokens"] + lines) + "\n")

    def logs(name):
        return [out / f"{name}-{repeat}.jsonl" for repeat in range(options.repeats)]

    told_lengths = [row[2] for row in answers(logs("fcfs")[0])]
    latencies = {}
    for name in arms:
        latencies[name] = []
        for log in logs(name):
            rows = answers(log)
            if [row[2] for row in rows] != told_lengths:
                raise SystemExit(f"{log}: the answers are not those of the first run")
            latencies[name].append([row[3] for row in rows])

    def middle(values):
        return f"{statistics.median(values):6.2f} ({min(values):.2f}-{max(values):.2f})"

    print(f"{len(told_lengths)} requests, {sum(told_lengths)} tokens of answers, "
          f"{options.repeats} repeats")
    print("arm             mean E2E s           p90 s                gain in the mean     "
          "by stretches (95 %)  step ms")
    for name, runs in latencies.items():
        means = [statistics.mean(run) for run in runs]
        gains = [statistics.mean(base) / mean for base, mean in zip(latencies["fcfs"], means)]
        base, arm = ([statistics.mean(waits) for waits in zip(*side)]
                     for side in (latencies["fcfs"], runs))
        _, low, high = gain(base, arm)
        print(f"{name:12s}{middle(means):>21s}{middle([quantile(run, 0.9) for run in runs]):>21s}"
              f"{middle(gains):>21s}   {low:.2f}-{high:.2f}        {full_steps(logs(name)):8.2f}")


if __name__ == "__main__":
    main()
