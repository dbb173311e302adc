"""How many instructions a step of the engine takes, against limits: a regression shows without timing.

    python Tools/kernels/count_instructions.py [--keep]

Valgrind counts; it plays a CPU with AVX2, so the figures are those of the avx2 kernels wherever this
runs, on one thread. What runs of different length differ by is what the steps cost: start and
prompt are in both. Where there is no valgrind, or it cannot run the program, this says so and
passes. --keep writes what was counted as the new figures.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
KEPT = HERE / "instructions.json"
TOLERANCE = 0.03  # for compilers that differ in their last version number
STEPS = 3
CASES = {
    "draft step, 3m f16": ["draft", "--model", "3m"],
    "decode step, 3m f16": ["decode", "--model", "3m"],
    "verification of 4, 3m f16": ["verify", "--model", "3m"],
    "decode step, 3m q8": ["decode", "--model", "3m", "--dtype", "q8"],
    "verification of 4, 3m q8": ["verify", "--model", "3m", "--dtype", "q8"],
}


def skip(why: str) -> None:
    print(f"instruction counts skipped: {why}")
    raise SystemExit(0)


def stripped(program: Path, folder: Path) -> Path:
    """A copy without debugging information: valgrind gives up on forms of it that it does not know."""
    copy = folder / program.name
    subprocess.run(["strip", "--strip-debug", "-o", copy, program], check=True)
    return copy


def instructions(program: Path, arguments: list[str], count: int) -> int:
    run = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
         program, "step", *arguments, "--count", str(count)], capture_output=True, text=True)
    found = re.search(r"I\s+refs:\s+([\d,]+)", run.stderr)
    if found is None and "unrecognised instruction" in run.stderr:
        skip("this valgrind does not know an instruction of the program")
    if run.returncode != 0 or found is None:
        raise SystemExit(f"{program} failed under valgrind:\n{run.stderr[-2000:]}")
    return int(found[1].replace(",", ""))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--program", type=Path, default=HERE.parent.parent / ".build/release/foretoken-bench")
    parser.add_argument("--keep", action="store_true", help="as the new figures")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        skip("there is no valgrind (apt-get install valgrind)")
    if shutil.which("strip") is None:
        skip("there is no strip (apt-get install binutils)")
    if platform.machine() != "x86_64":
        skip(f"the figures are of x86-64, and this is {platform.machine()}")
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    counted, failed = {}, False
    with tempfile.TemporaryDirectory() as folder:
        program = stripped(options.program, Path(folder))
        for name, arguments in CASES.items():
            few, many = (instructions(program, arguments, n) for n in (1, 1 + STEPS))
            counted[name] = (many - few) // STEPS
    for name in CASES:
        change = counted[name] / kept[name] - 1 if name in kept else 0
        note = ""
        if change > TOLERANCE:
            failed, note = True, "  MORE than allowed"
        elif change < -TOLERANCE:
            note = "  fewer: keep the gain with --keep"
        print(f"{name:28} {counted[name]:12,} instructions, {change:+.1%}{note}")
    if options.keep:
        KEPT.write_text(json.dumps(counted, indent=2) + "\n")
    elif failed or kept.keys() != counted.keys():
        print("Find what got slower, or say with --keep why it must be so.", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
