"""Makes Tests/Fixtures/sentencepiece: a small SentencePiece BPE, as a tokenizer.json in the pipelines of
its families and as a GGUF vocabulary, and the ids that the `tokenizers` library gives.

    python Tools/reference/sentencepiece_fixture.py Tests/Fixtures
"""

import io
import json
import random
import sys
from pathlib import Path

import gguf
import sentencepiece
from tokenizers import Tokenizer

from tokenizer_cases import FRAGMENTS, fuzzed
from tokenizer_fixture import ENDINGS, JOINTS, KEYS, SEED, STEMS, lines

VOCABULARY, STRINGS = 700, 60
MARK = "\u2581"
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
DECODERS = [{"type": "Replace", "pattern": {"String": MARK}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}]
STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}


def metaspace(scheme: str, split: bool) -> dict:
    return {
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": MARK, "prepend_scheme": scheme,
                          "split": split}}


PIPELINES = {
    "llama2": {},
    "mistral": metaspace("first", False),
    "metaspace-split": metaspace("always", True),
    "gemma": {
        "normalizer": REPLACE,
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "},
                          "behavior": "MergedWithPrevious", "invert": False},
        "decoder": {"type": "Sequence", "decoders": DECODERS}},
    "composed": {"normalizer": {"type": "Sequence", "normalizers": [
        {"type": "NFC"}, {"type": "Prepend", "prepend": MARK}, REPLACE]}},
    "joined": None,
}


def corpus() -> list[str]:
    generator = random.Random(SEED)
    words = lambda: "".join(map(generator.choice, [STEMS, ENDINGS, JOINTS]))
    texts = ["".join(words() for _ in range(40)).replace("\n", " ") for _ in range(200)]
    return texts + ["".join(generator.choice(FRAGMENTS) for _ in range(40)) for _ in range(60)]


def trained(texts: list[str], size: int, prefix: bool = True) -> sentencepiece.SentencePieceProcessor:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, vocab_size=size, model_type="bpe",
        byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
        split_digits=True, allow_whitespace_only_pieces=True, num_threads=1, minloglevel=2,
        character_coverage=0.995, add_dummy_prefix=prefix)
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def merges(vocabulary: dict[str, int], scores: dict[str, float]) -> list[tuple[str, str]]:
    """As transformers' converters make them."""
    pairs = []
    for piece, score in scores.items():
        splits = [(piece[:i], piece[i:], score) for i in range(1, len(piece))
                  if piece[:i] in vocabulary and piece[i:] in vocabulary]
        pairs += sorted(splits, key=lambda split: (vocabulary[split[0]], vocabulary[split[1]]))
    pairs.sort(key=lambda pair: (pair[2], len(pair[0]), len(pair[1])), reverse=True)
    return [pair[:2] for pair in pairs]


def file_of(model: sentencepiece.SentencePieceProcessor) -> dict:
    """The tokenizer.json of a SentencePiece model, in the pipeline of Llama 2."""
    pieces = [model.id_to_piece(i) for i in range(model.vocab_size())]
    scores = {piece: model.get_score(i) for i, piece in enumerate(pieces)}
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    special = {
        "id": 0, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
        "special": True}
    return {
        "added_tokens": [special | {"id": i, "content": pieces[i]} for i in range(3)],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": MARK}, REPLACE]},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [*DECODERS, STRIP]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>",
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
                  "byte_fallback": True, "ignore_merges": False, "vocab": vocabulary,
                  "merges": merges(vocabulary, scores)}}


def main(folder: Path) -> None:
    out = folder / "sentencepiece"
    out.mkdir(exist_ok=True)
    model = trained(corpus(), VOCABULARY)
    written = file_of(model)
    vocabulary = written["model"]["vocab"]
    pieces = list(vocabulary)
    text = ",\n".join(f'"{key}":{value}' for key, value in lines({k: written[k] for k in KEYS}).items())
    (out / "tokenizer.json").write_text("{\n" + text + "\n}\n")

    # A merge over a mark: then text cannot be cut before marks.
    bridge = next(p for p in pieces[259:] if len(p) == 1 and p != MARK)
    joined = {"model": written["model"] | {
        "vocab": vocabulary | {bridge + MARK: len(pieces)},
        "merges": written["model"]["merges"][:40] + [(bridge, MARK)] + written["model"]["merges"][40:]}}
    generator = random.Random(SEED)
    cases = []
    for name, changed in PIPELINES.items():
        changed = joined if changed is None else changed
        tokenizer = Tokenizer.from_str(json.dumps(written | changed))
        texts = [fuzzed(generator, pieces[:3]) for _ in range(STRINGS)]
        texts = [text for text in texts if len(text) < 70]
        texts += ["I'm reading 12345 papers;  they're WRITTEN in 1999.\n\n  def f(x):\n\treturn x",
                  "", " ", "  a", "<s> a</s>b", MARK, "<0x41>", f"{bridge} {bridge}  {bridge}"]
        ids = [tokenizer.encode(text).ids for text in texts]
        tokenizer.encode_special_tokens = True
        plain = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        cases.append({
            "name": name, "keys": lines(changed), "texts": texts, "ids": ids,
            "plain": [other if other != ids_ else None for other, ids_ in zip(plain, ids)],
            "decoded": [tokenizer.decode(ids_, skip_special_tokens=True) for ids_ in ids]})
    reference = {"made_by": "Tools/reference/sentencepiece_fixture.py", "pipelines": cases}
    (out / "reference.json").write_text(json.dumps(reference, ensure_ascii=False))

    writer = gguf.GGUFWriter(out / "vocabulary.gguf", "none")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([model.get_score(i) for i in range(len(pieces))])
    writer.add_token_types([
        2 if model.is_unknown(i) else 3 if model.is_control(i) else 6 if model.is_byte(i) else 1
        for i in range(len(pieces))])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
