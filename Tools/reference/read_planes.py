"""Reads a packed weight file without Foretoken, and checks it against the plain file it came from.

    python Tools/reference/read_planes.py model.safetensors.zst model.safetensors

What any reader needs: decompress (zstandard here, `zstd -d` elsewhere), open with safetensors, and
put the byte planes of the tensors that the metadata entry "foretoken.planes" names together again.
"""

import json
import sys

import numpy as np
import zstandard
from safetensors import deserialize

UNSIGNED = {"BF16": np.uint16, "F16": np.uint16, "F32": np.uint32}


def join(planes: np.ndarray, dtype: str) -> np.ndarray:
    """The bits of the elements from their planes, (2 or 4, ...) bytes, the highest first."""
    width = UNSIGNED[dtype]
    bits = 8 * width().itemsize
    rotated = np.zeros(planes.shape[1:], width)
    for plane in planes:
        rotated = rotated << width(8) | plane
    return rotated >> width(1) | rotated << width(bits - 1)


def read_packed(path: str) -> dict[str, bytes]:
    """The elements of each tensor as they are in the plain file."""
    with open(path, "rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8:8 + length]).get("__metadata__", {})
    dtypes = json.loads(metadata.get("foretoken.planes", "{}"))
    tensors = {}
    for name, tensor in deserialize(data):
        if name in dtypes:
            planes = np.frombuffer(tensor["data"], np.uint8).reshape(tensor["shape"])
            tensors[name] = join(planes, dtypes[name]).tobytes()
        else:
            tensors[name] = bytes(tensor["data"])
    return tensors


def main() -> None:
    packed = read_packed(sys.argv[1])
    with open(sys.argv[2], "rb") as file:
        plain = {name: bytes(tensor["data"]) for name, tensor in deserialize(file.read())}
    if packed.keys() != plain.keys():
        sys.exit(f"other tensors: {sorted(packed.keys() ^ plain.keys())}")
    different = [name for name in plain if packed[name] != plain[name]]
    if different:
        sys.exit(f"different: {different}")
    print(f"{len(plain)} tensors, {sum(map(len, plain.values()))} bytes: equal")


if __name__ == "__main__":
    main()
