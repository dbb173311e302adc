"""Makes Tests/Fixtures/tokenizer: a small byte-level BPE, and the ids that the `tokenizers` library
gives for strings from ordinary to hostile in every pipeline that we know; conversations, as Hugging
Face transformers writes them with templates of every family.

    python Tools/reference/tokenizer_fixture.py Tests/Fixtures

The vocabulary is trained on text that this script makes itself; seeds are fixed.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, trainers
from tokenizers.pre_tokenizers import ByteLevel
from transformers.utils.chat_template_utils import render_jinja_template

from tokenizer_cases import FRAGMENTS, PIPELINES, fuzzed

VOCABULARY = 600
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
STRINGS = 60
SEED = 20261124
# One key of tokenizer.json a line, so that a test can replace it.
KEYS = ["added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"]

STEMS = "read writ count walk think light water stone north river paper cloud".split()
ENDINGS = ["", "s", "er", "ing", "ed", "ers", "'s", "ly", "able"]
JOINTS = [" ", " ", " ", " the ", " of the ", ", ", ". The ", " and ", "\n", "\n\n    ", " == ", "();\n"]

# Templates in the manner of each family, the shortest that say the same; {% … %} as transformers
# renders it, with the families' own special tokens.
ROLES = "{% for m in messages %}"
CHAT_TEMPLATES = {
    "chatml": ROLES + r"{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}"
              r"{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "chatml, default system": ROLES
              + r"{% if loop.first and m['role'] != 'system' %}"
              r"{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
              r"{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}"
              r"{% endfor %}{{ '<|im_start|>assistant\n' }}",
    "llama3": "{{ bos_token }}" + ROLES
              + r"{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim"
              r" + '<|eot_id|>' }}{% endfor %}"
              r"{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}",
    "llama2": r"{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}"
              r"{% set messages = messages[1:] %}{% endif %}" + ROLES
              + r"{% if loop.first and system %}"
              r"{% set text = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + m['content'] %}"
              r"{% else %}{% set text = m['content'] %}{% endif %}"
              r"{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + text.strip() + ' [/INST]' }}"
              r"{% else %}{{ ' ' + text.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "mistral": "{{ bos_token }}" + ROLES.replace("m in", "message in")
              + r"{% if message['role'] == 'system' %}{{ raise_exception('no system') }}"
              r"{% elif message['role'] == 'user' %}"
              r"{{ '[INST] ' + message['content'] + ' [/INST]' }}"
              r"{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}",
    "gemma": "{{ bos_token }}" + ROLES
              + r"{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
              r"{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else 'user') + '\n'"
              r" + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
              r"{{ '<start_of_turn>model\n' }}",
    "phi3": ROLES + r"{% if m['role'] == 'system' %}{{ '<|system|>\n' + m['content'] + '<|end|>\n' }}"
              r"{% elif m['role'] == 'user' %}{{ '<|user|>\n' + m['content'] + '<|end|>\n' }}"
              r"{% else %}{{ '<|assistant|>\n' + m['content'] + '<|end|>\n' }}{% endif %}"
              r"{% endfor %}{{ '<|assistant|>\n' }}",
    "zephyr": ROLES + r"{{ '<|user|>' if m['role'] == 'user' else '<|system|>' if m['role'] == 'system'"
              r" else '<|assistant|>' }}{{ '\n' + m['content'] + eos_token + '\n' }}"
              r"{% endfor %}{{ '<|assistant|>\n' }}",
    "deepseek-r1": "{{ bos_token }}" + ROLES
              + r"{% if m['role'] == 'system' %}{{ m['content'] }}"
              r"{% elif m['role'] == 'user' %}{{ '<｜User｜>' + m['content'] }}"
              r"{% else %}{{ '<｜Assistant｜>' + m['content'].split('</think>')[-1]"
              r" + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}{{ '<｜Assistant｜><think>\n' }}",
}
CONVERSATIONS = [
    [("user", "Hello, how are you?")],
    [("user", "\n Hi "), ("assistant", "<think>so</think>I'm fine. "), ("user", "\tNext?\n\n")],
    [("system", "Be brief."), ("user", "Who?"), ("assistant", "I."), ("user", "Why?")],
]


def trained() -> dict:
    generator = random.Random(SEED)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=ByteLevel.alphabet(),
        show_progress=False)
    words = lambda: "".join(map(generator.choice, [STEMS, ENDINGS, JOINTS]))
    texts = ["".join(words() for _ in range(40)) for _ in range(200)]
    texts += ["".join(generator.choice(FRAGMENTS) for _ in range(40)) for _ in range(60)]
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())


def lines(changed: dict) -> dict:
    return {key: json.dumps(value, ensure_ascii=False) for key, value in changed.items()}


def conversations() -> list[dict]:
    cases = []
    for name, template in CHAT_TEMPLATES.items():
        for conversation in CONVERSATIONS:
            messages = [{"role": role, "content": text} for role, text in conversation]
            try:
                rendered = render_jinja_template(
                    [messages], chat_template=template, add_generation_prompt=True,
                    bos_token="<s>", eos_token="</s>")[0][0]
            except Exception:
                rendered = None
            cases.append({
                "family": name, "template": template, "messages": messages, "text": rendered})
    return cases


def main(folder: Path) -> None:
    out = folder / "tokenizer"
    out.mkdir(exist_ok=True)
    written = trained()
    tokenizer_text = "{\n" + ",\n".join(
        f'"{key}":{text}' for key, text in lines({key: written[key] for key in KEYS}).items()) + "\n}\n"
    (out / "tokenizer.json").write_text(tokenizer_text)

    generator = random.Random(SEED)
    # Merges as older files write them.
    joined = [f"{left} {right}" for left, right in written["model"]["merges"]]
    pipelines = PIPELINES | {"old-merges": lambda _: {"model": written["model"] | {"merges": joined}}}
    cases = []
    for name, pipeline in pipelines.items():
        changed = pipeline(written)
        tokenizer = Tokenizer.from_str(json.dumps(written | changed))
        contents = [token["content"] for token in (written | changed)["added_tokens"]]
        texts = [fuzzed(generator, contents) for _ in range(STRINGS)]
        texts = [text for text in texts if len(text) < 70]
        # Every pipeline sees a few plain sentences.
        texts += ["I'm reading 12345 papers; they're WRITTEN in 1999.\n\n  def f(x):\n\treturn x", ""]
        ids = [tokenizer.encode(text).ids for text in texts]
        tokenizer.encode_special_tokens = True
        plain = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        # Null where special tokens change nothing.
        plain = [other if other != ids_ else None for other, ids_ in zip(plain, ids)]
        cases.append({
            "name": name, "keys": lines(changed), "texts": texts, "ids": ids, "plain": plain})
    sequences = [
        [generator.randrange(VOCABULARY + 2) for _ in range(generator.randrange(1, 20))]
        for _ in range(200)]
    tokenizer = Tokenizer.from_str(json.dumps(written))
    decoded = [tokenizer.decode(ids, skip_special_tokens=False) for ids in sequences]
    reference = {
        "made_by": "Tools/reference/tokenizer_fixture.py", "pipelines": cases,
        "sequences": sequences, "decoded": decoded, "conversations": conversations()}
    (out / "reference.json").write_text(
        json.dumps(reference, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
