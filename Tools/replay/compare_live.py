#!/usr/bin/env python3
"""How well the simulator foretells what the engine does on this machine.

Measures batches (`foretoken calibrate --batches`), runs a trace live under several policies,
simulates the same trace with the fitted step times, and prints the errors; all of it several times
over, for a machine is not as fast in one minute as in the next, and what is compared are the means.
Nothing else should run meanwhile.

    Tools/replay/compare_live.py .build/release/foretoken trace.csv --out /tmp/live \\
        -- --max-num-seqs 8 --max-total 1000 --preemption swap

Arguments after -- go to every replay: the engine's limits, the trace's clips and time scale, drafts
(--speculate; the simulator is told how many of them the live run accepted). What is there already is
not run again, so that --repeats can be raised, and a run that was ended goes on.
"""
import argparse
import json
import pathlib
import subprocess
import sys

METRICS = [("e2e", "mean"), ("e2e", "p90"), ("ttft", "mean"), ("ttft", "p90"), ("tpot", "mean")]


def replay(program, trace, arguments, policy):
    """The JSON object of one run."""
    done = subprocess.run(
        [program, "replay", trace, "--policy", policy, "--predictor", "oracle", "--json", "-q"]
        + arguments, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


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
    parser.add_argument("trace")
    parser.add_argument("--out", required=True, help="folder of calibrations, logs and results")
    parser.add_argument("--policies", default="fcfs,sjf,srtf")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", default="2")
    here = sys.argv[1:]
    end = here.index("--") if "--" in here else len(here)
    options, rest = parser.parse_args(here[:end]), here[end + 1:]
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    policies = options.policies.split(",")
    live = {policy: [] for policy in policies}
    simulated = {policy: [] for policy in policies}
    for repeat in range(options.repeats):
        calibration = out / f"calibration-{repeat}.json"
        if not calibration.exists():
            subprocess.run(
                [options.program, "calibrate", "--batches", "--contexts", "64", "--repeats", "1",
                 "-t", options.threads, "-q", "-o", str(calibration)],
                check=True, stdout=subprocess.DEVNULL)
        for policy in policies:
            kept = out / f"{policy}-{repeat}.json"
            if not kept.exists():
                log = out / f"{policy}-{repeat}.jsonl.zst"
                run = replay(options.program, options.trace, rest + [
                    "--live", "-t", options.threads, "--log", str(log)], policy)
                kept.write_text(json.dumps(run))
            run, known = json.loads(kept.read_text()), ["--calibration", str(calibration)]
            if "--speculate" in rest:
                drafts = int(rest[rest.index("--speculate") + 1])
                known += ["--acceptance", str(acceptance(run, drafts))]
            live[policy].append(run)
            simulated[policy].append(replay(options.program, options.trace, rest + known, policy))

    def mean(runs, metric, statistic):
        return sum(run[metric][statistic] for run in runs) / len(runs)

    for policy in policies:
        cells = []
        for metric, statistic in METRICS:
            real = mean(live[policy], metric, statistic)
            ours = mean(simulated[policy], metric, statistic)
            error = 100 * (ours / real - 1)
            cells.append(f"{metric} {statistic} {real:.3f} -> {ours:.3f} s ({error:+.1f} %)")
        each = [run["e2e"]["mean"] for run in live[policy]]
        cells.append(f"e2e mean live {min(each):.3f} to {max(each):.3f} s")
        print(f"{policy} ({live[policy][0]['finished']} requests): " + ", ".join(cells))
    orders = [
        sorted(policies, key=lambda policy: mean(runs[policy], "e2e", "mean"))
        for runs in (live, simulated)]
    print(f"order by mean E2E: live {orders[0]}, simulated {orders[1]}")


if __name__ == "__main__":
    main()
