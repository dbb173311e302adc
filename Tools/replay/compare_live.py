#!/usr/bin/env python3
"""How well the simulator foretells what the engine does on this machine.

Before each live run of a trace batches are measured (`foretoken calibrate --batches`), and the trace
is simulated with the step times fitted to them, and again with those of the run itself: the first says
what can be foretold, the second what the simulated queue alone is off. Policies take turns, all of it
several times over, for a machine is not as fast in one minute as in the next; what is printed are
medians of the errors of pairs, and their range. Nothing else should run meanwhile.

    Tools/replay/compare_live.py .build/release/foretoken --out /tmp/live --repeats 5 \\
        -- --max-num-seqs 8 --preemption swap

Without a trace, 200 requests of lognormal lengths come within three seconds. Arguments after -- go
to every replay: the engine's limits, the trace's clips and time scale, drafts (--speculate; the
simulator is told how many of them the live run accepted; with best both choose their number for each
step by the measured step times, and --acceptance is what they go by). What is there already is not run again, so
that --repeats can be raised, and a run that was ended goes on.
"""
import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys

METRICS = [("e2e", "mean"), ("e2e", "p90"), ("ttft", "mean"), ("ttft", "p90"), ("tpot", "mean")]


def replay(program, trace, arguments, policy):
    """The JSON object of one run."""
    done = subprocess.run(
        [program, "replay", trace, "--policy", policy, "--predictor", "oracle", "--json", "-q"]
        + arguments, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def drawn(path, count=200, seconds=3.0):
    """A burst of requests, at equal distances."""
    draw, lines = random.Random(7), ["arrival_s,input_tokens,output_tokens,limit"]
    for index in range(count):
        prompt = min(400, max(4, round(draw.lognormvariate(3.9, 0.8))))
        answer = min(300, max(2, round(draw.lognormvariate(3.4, 0.9))))
        lines.append(f"{index * seconds / count:.4f},{prompt},{answer},{answer}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


# An answer that ends at its limit has no room for drafts beyond it.
COLUMNS = "arrival=arrival_s,input=input_tokens,output=output_tokens,limit=limit"


def acceptance(run, drafts):
    """The chance that a draft token is accepted when all before it are, from the counts of a run."""
    share, low, high = run["accepted"] / max(1, run["drafted"]), 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        mean = sum(middle**place for place in range(1, drafts + 1)) / drafts
        low, high = (middle, high) if mean < share else (low, middle)
    return low


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("trace", nargs="?")
    parser.add_argument("--out", required=True, help="folder of calibrations, logs and results")
    parser.add_argument("--policies", default="fcfs,sjf,sjf-work,srtf")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", default="2")
    here = sys.argv[1:]
    end = here.index("--") if "--" in here else len(here)
    options, rest = parser.parse_args(here[:end]), here[end + 1:]
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    trace = options.trace or drawn(out / "trace.csv")
    if not options.trace:
        rest += ["--columns", COLUMNS]
    policies = options.policies.split(",")
    drafts = rest[rest.index("--speculate") + 1] if "--speculate" in rest else "0"
    live, foretold, afterwards = ({policy: [] for policy in policies} for _ in range(3))
    for repeat in range(options.repeats):
        for policy in policies:
            name = f"{policy}-{repeat}"
            calibration, log = out / f"calibration-{name}.json", out / f"{name}.jsonl.zst"
            if not calibration.exists():
                subprocess.run(
                    [options.program, "calibrate", "--batches", "--contexts", "64", "--repeats",
                     "1", "-t", options.threads, "-q", "-o", str(calibration)],
                    check=True, stdout=subprocess.DEVNULL)
            kept = out / f"{name}.json"
            if not kept.exists():
                costs = ["--calibration", str(calibration)] if drafts == "best" else []
                run = replay(options.program, trace, rest + costs + [
                    "--live", "-t", options.threads, "--log", str(log)], policy)
                kept.write_text(json.dumps(run))
            run = json.loads(kept.read_text())
            live[policy].append(run)
            known = []
            if drafts.isdigit() and int(drafts) > 0:
                known = ["--acceptance", str(acceptance(run, int(drafts))),
                         "--acceptance-deviation", "0"]
            foretold[policy].append(replay(
                options.program, trace, rest + known + ["--calibration", str(calibration)], policy))
            # Steps with drafts are no measure of steps without.
            if drafts == "0":
                afterwards[policy].append(replay(
                    options.program, trace, rest + ["--calibration", str(log)], policy))

    def middle(values, form):
        return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"

    for policy in policies:
        runs = live[policy]
        print(f"{policy}: {runs[0]['finished']} requests, medians of {len(runs)} runs")
        for metric, statistic in METRICS:
            def errors(simulated):
                return [100 * (ours[metric][statistic] / real[metric][statistic] - 1)
                        for ours, real in zip(simulated, runs)]
            real = [run[metric][statistic] for run in runs]
            line = f"  {metric:4s} {statistic:4s} {middle(real, '.3f')} s"
            line += f", foretold {middle(errors(foretold[policy]), '+.1f')} %"
            if afterwards[policy]:
                line += f", with its own steps {middle(errors(afterwards[policy]), '+.1f')} %"
            print(line)
        if drafts != "0":
            for name, simulated in ("live", runs), ("simulated", foretold[policy]):
                print(f"  {name}: {middle([run['drafted'] for run in simulated], '.0f')} drafted, "
                      f"{middle([run['accepted'] for run in simulated], '.0f')} accepted")
    orders = [
        sorted(policies, key=lambda policy: statistics.median(
            run["e2e"]["mean"] for run in runs[policy]))
        for runs in (live, foretold)]
    print(f"order by mean E2E: live {orders[0]}, foretold {orders[1]}")


if __name__ == "__main__":
    main()
