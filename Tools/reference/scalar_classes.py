"""Makes Sources/Transformer/ScalarClassRuns.swift: the class of every Unicode scalar as the regular
expressions of the `tokenizers` library see it.

    python Tools/reference/scalar_classes.py > Sources/Transformer/ScalarClassRuns.swift

The library is asked, rather than a copy of the Unicode database: its engine has a Unicode version of
its own, and a tokenizer must agree with it to the last scalar.
"""

from itertools import groupby

from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

CLASSES = {
    "U": r"[\p{Lu}\p{Lt}]+", "L": r"\p{Ll}+", "O": r"[\p{Lm}\p{Lo}]+", "M": r"\p{M}+",
    "N": r"\p{N}+", "P": r"\p{P}+", "S": r"\p{S}+", "W": r"\s+",
}
SCALARS = [value for value in range(0x110000) if not 0xD800 <= value <= 0xDFFF]
WIDTH = 95

HEAD = '''\
/// The class of every Unicode scalar in order, as runs: a letter for the class, then the length of the
/// run in hexadecimal unless it is one. Surrogates count as unassigned.
///
/// U: Lu, Lt; L: Ll; O: Lm, Lo; M: M; N: N; P: P; S: S; W: white space; Z: everything else.
/// Made by Tools/reference/scalar_classes.py.
let scalarClassRuns = """
'''


def main() -> None:
    text = "".join(map(chr, SCALARS))
    classes = ["Z"] * 0x110000
    for name, expression in CLASSES.items():
        pieces = Split(Regex(expression), "removed", invert=True).pre_tokenize_str(text)
        for _, (start, end) in pieces:
            for value in SCALARS[start:end]:
                assert classes[value] == "Z", hex(value)
                classes[value] = name
    runs = [(name, len(list(group))) for name, group in groupby(classes)]
    encoded = "".join(name + (f"{count:x}" if count > 1 else "") for name, count in runs)
    lines = [encoded[i:i + WIDTH] + "\\" for i in range(0, len(encoded), WIDTH)]
    print(HEAD + "\n".join("  " + line for line in lines)[:-1] + '\n  """')


if __name__ == "__main__":
    main()
