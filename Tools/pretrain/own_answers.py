"""Stage 6 with the runtime itself: training prompts for `foretoken generate --jsonl`, and its answers as the
text on which the draft is distilled. Faster than sample.py by the speed of the kernels.

    python Tools/pretrain/own_answers.py ask --data DATA --work WORK --result prompts.jsonl
    foretoken generate --jsonl prompts.jsonl > answers.jsonl
    python Tools/pretrain/own_answers.py keep --work WORK --prompts prompts.jsonl --answers answers.jsonl --result own
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import corpus

PROMPT_WEIGHT = 0.2  # the draft reads prompts, too, but is never asked to write them


def wordings(row: dict, generator: random.Random) -> str:
    """The user's turn, for word problems and programs often worded as SpecDec++ words them."""
    prompt = corpus.prompt_of(row)
    if row["source"] == "gsm8k":
        return row["instruction"] + generator.choice([" ", "\n"]) + "Let's think step by step."
    if row["source"] == "mbpp" and generator.random() < 0.7:
        return "Create a Python script for this problem:\n" + prompt
    return prompt


def ask(options) -> None:
    """Prompts of the mixture, each greedily or at temperature 1, in turn."""
    tokenizer = Tokenizer.from_file(str(options.work / "tokenizer.json"))
    generator = random.Random(options.seed)
    allowed = corpus.permissive_sources(options.data)
    prompts = []
    for name in corpus.FILES:
        for row in corpus.rows(options.data / name):
            if row["source"] not in allowed or "text" in row:
                continue
            if generator.random() > corpus.SHARE.get(row["source"], 0) * options.share:
                continue
            prompt = wordings(row, generator)
            if len(tokenizer.encode(prompt).ids) <= options.longest:
                prompts.append(prompt)
    generator.shuffle(prompts)
    with open(options.result, "w", encoding="utf-8") as file:
        for index, prompt in enumerate(prompts):
            request = {"id": str(index), "prompt": prompt, "temperature": index % 2, "seed": index}
            file.write(json.dumps(request | {"max_tokens": options.new}) + "\n")
    print(len(prompts), "prompts")


def keep(options) -> None:
    """The answers as token ids and weights of their losses, shuffled, in WORK/RESULT.npz."""
    tokenizer = Tokenizer.from_file(str(options.work / "tokenizer.json"))
    prompts = [json.loads(line)["prompt"] for line in open(options.prompts, encoding="utf-8")]
    documents = []
    for line in open(options.answers, encoding="utf-8"):
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was stopped
        if event["event"] != "result":
            continue
        head = tokenizer.encode(corpus.chat(prompts[event["line"] - 1])).ids
        if len(head) != event["usage"]["prompt_tokens"]:
            raise SystemExit(f"{options.answers}: the answer to line {event['line']} is another prompt's")
        weights = [PROMPT_WEIGHT] * len(head) + [1.0] * len(event["tokens"])
        documents.append((head + event["tokens"], weights))
    random.Random(1).shuffle(documents)
    ids = np.concatenate([np.array(ids, np.uint16) for ids, _ in documents])
    weights = np.concatenate([np.array(weights, np.float16) for _, weights in documents])
    np.savez(options.work / f"{options.result}.npz", ids=ids, weights=weights)
    print(len(ids), "tokens,", int((weights == 1).sum()), "of answers")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)
    asking = commands.add_parser("ask")
    asking.add_argument("--data", type=Path, required=True)
    asking.add_argument("--seed", type=int, default=77)
    asking.add_argument("--share", type=float, default=0.2, help="of the mixture's rows")
    asking.add_argument("--longest", type=int, default=300, help="tokens of a prompt")
    asking.add_argument("--new", type=int, default=320, help="tokens of an answer")
    asking.set_defaults(run=ask)
    keeping = commands.add_parser("keep")
    keeping.add_argument("--prompts", type=Path, required=True)
    keeping.add_argument("--answers", type=Path, required=True)
    keeping.set_defaults(run=keep)
    for command in (asking, keeping):
        command.add_argument("--work", type=Path, required=True)
        command.add_argument("--result", required=True)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
