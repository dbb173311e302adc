"""Weight files compared: ours, ZipNN and plain zstd, on one .safetensors file.

Sizes are of the whole file. What "load" means differs, to our disadvantage: ours ends in the panels
that the kernels compute with, the others' in a buffer of bytes.
"""

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

REPEATS = 5


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


def compare(folder: Path, programs: Path, threads: int, levels: tuple[int, ...] = (3,)) -> dict:
    """For each format: bytes, and seconds to pack, to decode and to load.

    `folder` has config.json and a bf16 model.safetensors.
    """
    data = (folder / "model.safetensors").read_bytes()
    rows, missing = {}, {}

    def row(name: str, action) -> None:
        try:
            size, packing, decoding, loading = action()
        except ImportError as problem:
            missing[name] = str(problem)
            return
        rows[name] = {"bytes": size, "pack": packing, "decode": decoding, "load": loading}

    row("plain", lambda: (len(data), None, None, raw(folder, programs, threads)))
    for level in levels:
        row(f"Foretoken, level {level}", lambda: ours(folder, programs, threads, level))
    row("ZipNN", lambda: (*zipnn(data, "bfloat16", threads), None))
    for level in levels:
        row(f"zstd, level {level} (one thread)", lambda: (*zstd(data, level), None))
    return {"bytes": len(data), "rows": rows, "missing": missing}
