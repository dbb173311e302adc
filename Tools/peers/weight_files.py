"""Weight files compared: ours, ZipNN and plain zstd, on one .safetensors file.

    pip install zipnn zstandard
    swift build -c release
    python Tools/peers/weight_files.py MODEL_FOLDER [--programs .build/release] [--threads 2]

MODEL_FOLDER has config.json and model.safetensors. Ratios are of the whole file. Speeds are bytes
of the plain file per second, the median of several runs with the input in memory (ours: in the page
cache). What "load" means differs, to our disadvantage: ours ends in the panels that the kernels
compute with, the others' in a buffer of bytes.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

REPEATS = 15


def seconds(action) -> float:
    """The median time of an action, after one that is not counted."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def ours(folder: Path, programs: Path, threads: int, level: int):
    """Bytes, seconds to pack, to decode, and to load into panels."""
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "packed.safetensors.zst"
        start = time.perf_counter()
        subprocess.run(
            [programs / "foretoken", "weights", "pack", folder, "-o", packed, "--level", str(level),
             "--threads", str(threads)], check=True, stderr=subprocess.DEVNULL)
        packing = time.perf_counter() - start
        answer = subprocess.run(
            [programs / "foretoken-bench", "load", folder, "--file", packed, "--json",
             "--threads", str(threads), "--repeats", str(REPEATS)],
            check=True, capture_output=True, text=True)
        result = json.loads(answer.stdout)
        return packed.stat().st_size, packing, result["decode_seconds"], result["load_seconds"]


def raw(folder: Path, programs: Path, threads: int):
    """Seconds to load the plain file into panels."""
    answer = subprocess.run(
        [programs / "foretoken-bench", "load", folder, "--file", folder / "model.safetensors",
         "--json", "--threads", str(threads), "--repeats", str(REPEATS)],
        check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)["load_seconds"]


def zipnn(data: bytes, dtype: str, threads: int):
    from zipnn import ZipNN

    codec = ZipNN(input_format="byte", bytearray_dtype=dtype, threads=threads)
    packed = codec.compress(bytearray(data))
    if bytes(codec.decompress(packed)) != data:
        raise SystemExit("ZipNN did not give the file back")
    packing = seconds(lambda: codec.compress(bytearray(data)))
    return len(packed), packing, seconds(lambda: codec.decompress(packed))


def zstd(data: bytes, level: int):
    import zstandard

    start = time.perf_counter()
    packed = zstandard.ZstdCompressor(level=level).compress(data)
    packing = time.perf_counter() - start
    decoder = zstandard.ZstdDecompressor()
    return len(packed), packing, seconds(lambda: decoder.decompress(packed))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--programs", type=Path, default=Path(".build/release"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="bfloat16", help="of the tensors, for ZipNN")
    parser.add_argument("--levels", type=int, nargs="+", default=[3, 19], help="zstd's, and ours")
    options = parser.parse_args()
    data = (options.folder / "model.safetensors").read_bytes()
    threads = options.threads

    def row(name: str, size: int, packing: float, decoding: float, loading: float | None = None):
        speeds = [len(data) / s / 1e9 if s else None for s in (packing, decoding, loading)]
        cells = "".join(f"{'-' if s is None else format(s, '.3f'):>10}" for s in speeds)
        print(f"{name:24}{size:>12}{size / len(data):>8.4f}{cells}", flush=True)

    print(f"{options.folder}: {len(data)} bytes, {threads} threads (zstd: one), GB/s of the plain file")
    print(f"{'':24}{'bytes':>12}{'ratio':>8}{'pack':>10}{'decode':>10}{'load':>10}")
    loading = raw(options.folder, options.programs, threads)
    row("plain", len(data), 0, 0, loading)
    for level in options.levels:
        row(f"ours, --level {level}", *ours(options.folder, options.programs, threads, level))
    row("zipnn", *zipnn(data, options.dtype, threads))
    for level in options.levels:
        row(f"zstd -{level}", *zstd(data, level))


if __name__ == "__main__":
    main()
