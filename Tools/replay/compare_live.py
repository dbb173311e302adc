#!/usr/bin/env python3
"""How well the simulator foretells what the engine does on this machine.

Measures batches (`foretoken calibrate --batches`), runs a trace live under several policies,
simulates the same trace with the fitted step times, and prints the errors. Nothing else should run
meanwhile.

    Tools/replay/compare_live.py .build/release/foretoken trace.csv --out /tmp/live \\
        -- --max-num-seqs 8 --num-gpu-blocks 512 --max-total 1000

Arguments after -- go to every replay: the engine's limits, the trace's clips and time scale. Steps
can be done apart (--only calibrate, or one policy), so that no step is long.
"""
import argparse
import json
import pathlib
import subprocess

METRICS = [("e2e", "mean"), ("e2e", "p90"), ("ttft", "mean"), ("ttft", "p90"), ("tpot", "mean")]


def replay(program, trace, arguments, policy):
    """The JSON object of one run."""
    done = subprocess.run(
        [program, "replay", trace, "--policy", policy, "--predictor", "oracle", "--json", "-q"]
        + arguments, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("trace")
    parser.add_argument("--out", required=True, help="folder of the calibration, logs and results")
    parser.add_argument("--policies", default="fcfs,sjf,srtf")
    parser.add_argument("--only", help="calibrate, or one policy to run live; without: everything")
    parser.add_argument("--threads", default="2")
    parser.add_argument("rest", nargs="*", help="arguments of every replay, after --")
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    calibration = out / "calibration.json"
    policies = options.policies.split(",")
    if options.only in (None, "calibrate"):
        subprocess.run(
            [options.program, "calibrate", "--batches", "--contexts", "64", "--repeats", "1",
             "-t", options.threads, "-q", "-o", str(calibration)],
            check=True, stdout=subprocess.DEVNULL)
    for policy in policies:
        if options.only in (None, policy):
            log = out / f"{policy}.jsonl.zst"
            run = replay(options.program, options.trace, options.rest + [
                "--live", "-t", options.threads, "--log", str(log)], policy)
            (out / f"{policy}.json").write_text(json.dumps(run))
    results = {}
    for policy in policies:
        kept = out / f"{policy}.json"
        if kept.exists() and calibration.exists():
            simulated = replay(options.program, options.trace, options.rest + [
                "--calibration", str(calibration)], policy)
            results[policy] = (json.loads(kept.read_text()), simulated)
    for policy, (live, simulated) in results.items():
        cells = []
        for metric, statistic in METRICS:
            real, ours = live[metric][statistic], simulated[metric][statistic]
            error = 100 * (ours / real - 1)
            cells.append(f"{metric} {statistic} {real:.3f} -> {ours:.3f} s ({error:+.1f} %)")
        print(f"{policy} ({live['finished']} requests): " + ", ".join(cells))
    if len(results) == len(policies):
        orders = [
            sorted(results, key=lambda name: results[name][side]["e2e"]["mean"]) for side in (0, 1)]
        print(f"order by mean E2E: live {orders[0]}, simulated {orders[1]}")


if __name__ == "__main__":
    main()
