"""What tokenizers are compared on: strings from plausible to hostile, and the pipelines that the
known families put around their vocabularies. Used by tokenizer_fixture.py and fuzz_tokenizer.py.
"""

import random
import unicodedata

FRAGMENTS = [
    "the", "Hello", "WORLD", "camelCase", "ÉCOLE", "straße", "ǅ", "ﬁ", "I'm", "don't", "WE'LL", "'S",
    "'ſ", "'re", "'VE", "'d", "''", "'", "’s", "a", "Z", "0", "7", "12345", "3.14", "Ⅷ", "½", "٣", "𝟘",
    "\U00011de3", " ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n", " \n ", "\u00a0", "\u2003",
    "\u3000", "\u2028", "\u0085", "\u000b", ".", ",", "!?", "...", "/", "//", "-", "_", "(x)", "{}",
    "\"", "#include", "<|", "|>", "<", ">", "$", "€", "+", "=", "~", "`", "@", "\\", "你好", "漢字",
    "かな", "カナ", "한국어", "привет", "العربية", "हिन्दी", "ไทย", "👍", "👨‍👩‍👧", "🏳️‍🌈", "e\u0301",
    "\u0301", "a\u0328\u0301", "\u1100\u1161\u11a8", "\u212b", "\u200d", "\ufeff", "\u0000", "\u001b",
    "\ue000", "\U0010ffff", "\ufffd", "१२", "x²", "µ", "ª",
]


def fuzzed(generator: random.Random, special: list[str]) -> str:
    """A string of one of several kinds; `special` are texts of added tokens to strew in."""
    def scalar() -> str:
        limit = generator.choice([0x80, 0x250, 0x3000, 0x20000, 0x110000])
        value = generator.randrange(limit)
        return "x" if 0xD800 <= value <= 0xDFFF else chr(value)

    kind = generator.randrange(6)
    length = generator.choice([1, 2, 3, 5, 8, 13, 30, 80])
    if kind == 0:
        return "".join(scalar() for _ in range(length))
    if kind == 1:
        return "".join(generator.choice(FRAGMENTS) for _ in range(length))
    if kind == 2:
        return "".join(generator.choice(FRAGMENTS + special * 3) for _ in range(length))
    if kind == 3:
        alphabet = [generator.choice(FRAGMENTS + special) for _ in range(3)]
        return "".join(generator.choice(alphabet) for _ in range(length))
    if kind == 4:
        return generator.choice(FRAGMENTS) * generator.choice([2, 7, 49, 50, 300])
    text = "".join(generator.choice(FRAGMENTS) + " " * generator.randrange(3) for _ in range(length))
    return unicodedata.normalize(generator.choice(["NFC", "NFD", "NFKC", "NFKD"]), text)


def split(expression: str, behavior: str = "Isolated", invert: bool = False) -> dict:
    return {
        "type": "Split", "pattern": {"Regex": expression}, "behavior": behavior, "invert": invert}


def byte_level(use_regex: bool = False, add_prefix_space: bool = False) -> dict:
    return {
        "type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True,
        "use_regex": use_regex}


def sequence(*steps: dict) -> dict:
    return {"type": "Sequence", "pretokenizers": list(steps)}


SPACE = r"\s*[\r\n]+|\s+(?!\S)|\s+"
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
CAPITALS, SMALLS = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"


def gpt4(digits: str) -> str:
    return (
        CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|" + digits + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        + SPACE)


def gpt4o(digits: str, suffix: str) -> str:
    prefix = r"[^\r\n\p{L}\p{N}]?"
    return (
        f"{prefix}{CAPITALS}*{SMALLS}+{suffix}|{prefix}{CAPITALS}+{SMALLS}*{suffix}|{digits}"
        + r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACE)


QWEN_35 = (
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + SPACE)
TIKTOKEN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+")
# As the file has it: with line ends where others have their escapes.
DEEPSEEK = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^""" + "\r\n"
    + r"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[" + "\r\n" + r"]*|\s*[" + "\r\n"
    + r"]+|\s+(?!\S)|\s+")


def around(token: dict) -> dict:
    """A post-processor that puts the token before and after."""
    item = {"SpecialToken": {"id": token["content"], "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    names = {token["content"]: {
        "id": token["content"], "ids": [token["id"]], "tokens": [token["content"]]}}
    template = {
        "type": "TemplateProcessing", "single": [item, text, item], "pair": [item, text, item, text],
        "special_tokens": names}
    return {"type": "Sequence", "processors": [byte_level(), template]}


def with_flags(written: dict) -> list[dict]:
    """The added tokens, and one for every flag."""
    next_id = max(
        max(written["model"]["vocab"].values()), *(t["id"] for t in written["added_tokens"])) + 1
    tokens = list(written["added_tokens"])
    for content, flags in [
        ("<mask>", {"lstrip": True, "special": True}), ("<sep>", {"rstrip": True}),
        ("<both>", {"lstrip": True, "rstrip": True}), ("word", {"single_word": True}),
        ("  ", {}), ("<mask><mask>", {"special": True}), ("caf\u00e9", {"normalized": True}),
        ("e\u0301tage", {"normalized": True}), ("<é>", {}),
        ("<n>", {"normalized": True, "special": True, "lstrip": True}),
    ]:
        known = written["model"]["vocab"].get(content)
        tokens.append({
            "id": next_id if known is None else known, "content": content, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": False} | flags)
        next_id += known is None
    return tokens


# Each gives the keys of tokenizer.json that it changes.
PIPELINES = {
    "gpt2": lambda _: {"pre_tokenizer": byte_level(use_regex=True)},
    "prefix-space": lambda _: {
        "pre_tokenizer": byte_level(use_regex=True, add_prefix_space=True)},
    "starcoder": lambda _: {"pre_tokenizer": sequence(
        {"type": "Digits", "individual_digits": True}, byte_level(use_regex=True))},
    "digit-runs": lambda _: {"pre_tokenizer": sequence(
        {"type": "Digits", "individual_digits": False}, byte_level(use_regex=False))},
    "qwen2": lambda _: {
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": sequence(split(gpt4(r"\p{N}")), byte_level())},
    "qwen3.5": lambda _: {
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
        "pre_tokenizer": sequence(split(QWEN_35), byte_level())},
    "llama3": lambda written: {
        "pre_tokenizer": sequence(split(gpt4(r"\p{N}{1,3}")), byte_level()),
        "post_processor": around(written["added_tokens"][0]),
        "model": written["model"] | {"ignore_merges": True}},
    "tiktoken": lambda _: {
        "pre_tokenizer": sequence(split(TIKTOKEN, "Removed", True), byte_level())},
    "gpt4o": lambda _: {
        "pre_tokenizer": sequence(split(gpt4o(r"\p{N}{1,3}", CONTRACTIONS + "?")), byte_level())},
    "tekken": lambda _: {"pre_tokenizer": sequence(split(gpt4o(r"\p{N}", "")), byte_level())},
    "deepseek": lambda _: {"pre_tokenizer": sequence(
        split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), byte_level())},
    "flags": lambda written: {"added_tokens": with_flags(written)},
    "flags-nfc": lambda written: {
        "added_tokens": with_flags(written), "normalizer": {"type": "NFC"}},
}
