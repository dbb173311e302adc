"""Foretoken beside llama.cpp, transformers, ZipNN, tokenizers and tiktoken: one command, one table.

    pip install -r Tools/peers/requirements.txt
    swift build -c release
    python Tools/peers/compare.py --out DIR

Every round runs everybody in random order, each in a process of its own, on the same weights; a
ratio is of two runs of one round, and what is reported is the median over rounds with the range.
DIR gets result.json (all that was measured), result.md and result.html. The models are made there
once. A peer that is not installed is named and its cells stay empty.
"""

import argparse
import importlib.util
import json
import os
import platform
import random
import subprocess
import sys
from pathlib import Path

import models
import peer_foretoken
import report
import tokenizer_speed
import weight_files

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
PEERS = {"llama.cpp": "llama_cpp", "transformers": "transformers"}
SECTIONS = ["engine", "start", "speculation", "files", "tokenizer"]
WIDTHS = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16]
CONTEXTS = [128, 1024]
PREFILL = [512]
# So that the small models, whose steps are short, do not rest on fewer milliseconds.
REPEAT_FACTOR = {"110m": 1, "28m": 3, "3m": 8}
START_PROMPT = "The quick brown fox jumps over the lazy dog. " * 2
LENGTHS = [0, 2, 4, 6]
ANSWER = 128


class Comparison:
    def __init__(self, options):
        self.options = options
        self.programs = options.programs.resolve()
        self.work = options.out / "models"
        self.peers = {
            name: name in options.peers and importlib.util.find_spec(module) is not None
            for name, module in PEERS.items()}
        self.order = random.Random(options.seed)
        self.file = options.out / "result.json"
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.result = kept | {
            "machine": machine(), "threads": options.threads,
            "missing": [peer for peer in options.peers if not self.peers[peer]]}

    def peer(self, what: str, peer: str, model: Path, *arguments, text: str | None = None) -> dict:
        command = [sys.executable, HERE / "run_peer.py", what, peer, model, "--threads",
                   self.options.threads, *arguments]
        return json.loads(peer_foretoken.output(command, text))

    def everybody(self, runs: dict) -> dict:
        """Calls each of the actions once, in random order."""
        names = list(runs)
        self.order.shuffle(names)
        return {name: runs[name]() for name in names}

    def add(self, section: str, key: str, results: dict) -> None:
        rounds = self.result.setdefault(section, {}).setdefault(key, [])
        rounds.append(results)
        self.file.write_text(json.dumps(self.result))

    # Models

    def folder(self, name: str) -> Path:
        folder = self.work / name
        if not (folder / "config.json").exists():
            say(f"making the {name} model")
            models.random_folder(name, self.options.pair / "target", folder)
        return folder

    def gguf(self, folder: Path, dtype: str) -> Path:
        file = folder / f"{dtype}.gguf"
        if not file.exists():
            models.write_gguf(folder, dtype, file)
        return file

    def plain(self, role: str) -> Path:
        """A model of the shipped pair with a plain weight file."""
        folder = self.work / role
        if not (folder / "model.safetensors").exists():
            models.plain_folder(
                self.options.pair / role, self.programs / "foretoken", folder)
        return folder

    # Sections, one round each

    def engine(self) -> None:
        for name in self.options.models:
            folder = self.folder(name)
            for dtype in ("f16", "q8"):
                repeats = self.options.repeats * REPEAT_FACTOR[name]
                shape = ["--context", *CONTEXTS, "--widths", *WIDTHS, "--prefill", *PREFILL,
                         "--repeats", repeats]
                runs = {"Foretoken": lambda: peer_foretoken.engine(
                    self.programs, folder, dtype, self.options.threads, repeats, CONTEXTS, WIDTHS,
                    PREFILL)}
                if self.peers["llama.cpp"]:
                    file = self.gguf(folder, dtype)
                    runs["llama.cpp"] = lambda: self.peer("engine", "llama.cpp", file, *shape)
                if self.peers["transformers"] and dtype == "f16":
                    runs["transformers"] = lambda: self.peer(
                        "engine", "transformers", folder, "--dtype", dtype, *shape)
                say(f"engine: {name} {dtype}")
                self.add("engine", f"{name} {dtype}", self.everybody(runs))

    def start(self) -> None:
        folder = self.folder("110m")
        packed = folder.with_name("110m-packed")
        if not packed.exists():
            packed.mkdir()
            for file in folder.glob("*.json"):
                (packed / file.name).write_bytes(file.read_bytes())
            subprocess.run(
                [self.programs / "foretoken", "weights", "pack", folder, "-o",
                 packed / "model.safetensors.zst"], check=True, stderr=subprocess.DEVNULL)
        ids = tokens(self.programs, folder, [START_PROMPT])[0]
        for dtype in ("f16", "q8"):
            ours = {"Foretoken, .safetensors.zst": packed, "Foretoken, .safetensors": folder}
            runs = {name: lambda path=path: peer_foretoken.start(
                self.programs, path, dtype, self.options.threads, START_PROMPT)
                for name, path in ours.items()}
            prompt = ["--prompt", json.dumps(ids)]
            if self.peers["llama.cpp"]:
                file = self.gguf(folder, dtype)
                runs["llama.cpp"] = lambda: self.peer("start", "llama.cpp", file, *prompt)
            if self.peers["transformers"] and dtype == "f16":
                runs["transformers"] = lambda: self.peer("start", "transformers", folder, *prompt)
            say(f"start to first token: {dtype}")
            for _ in range(self.options.repeats):
                self.add("start", dtype, self.everybody(runs))

    def speculation(self) -> None:
        target, draft = self.plain("target"), self.plain("draft")
        questions = (HERE / "prompts.txt").read_text().splitlines()[:self.options.prompts]
        chats = [[{"role": "user", "content": question}] for question in questions]
        ends = json.loads((target / "generation_config.json").read_text())["eos_token_id"]
        requests = [
            {"messages": chat, "prompt": ids, "count": ANSWER, "ends": ends}
            for chat, ids in zip(chats, tokens(self.programs, target, chats, "--chat"))]
        lines = "".join(json.dumps(request) + "\n" for request in requests)

        def ours(policy: str, types: tuple[str, str]):
            return lambda: {policy: peer_foretoken.speculate(
                self.programs, target, draft, requests, policy, types, self.options.threads)}

        names = ["plain" if length == 0 else f"fixed:{length}" for length in LENGTHS]
        runs = {("Foretoken", name): ours(name, ("f16", "f16")) for name in names}
        runs["Foretoken as it comes", "cost-aware"] = ours("cost-aware", ("f16", "q8"))
        for peer in (peer for peer, found in self.peers.items() if found):
            paths = [target, draft] if peer == "transformers" else [
                self.gguf(target, "f16"), self.gguf(draft, "f16")]
            for name, length in zip(names, LENGTHS):
                runs[peer, name] = lambda peer=peer, paths=paths, length=length: self.peer(
                    "speculate", peer, paths[0], "--draft", paths[1], "--lengths", length,
                    text=lines)
        say("speculation")
        merged: dict = {}
        for (who, _), modes in self.everybody(runs).items():
            merged.setdefault(who, {}).update(modes)
        self.add("speculation", "pair", merged)

    def files(self) -> None:
        say("weight files")
        self.result["files"] = weight_files.compare(
            self.plain("target"), self.programs, self.options.threads)

    def tokenizer(self) -> None:
        say("tokenizers")
        self.result["tokenizer"] = tokenizer_speed.compare(
            self.options.pair / "target" / "tokenizer.json", self.programs, REPOSITORY,
            self.options.rounds)

    def run(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        for peer in self.result["missing"]:
            say(f"{peer} is not installed: its cells stay empty")
        if not self.options.add:
            for section in self.options.only:
                self.result.pop(section, None)
        for round_ in range(self.options.rounds):
            say(f"round {round_ + 1} of {self.options.rounds}")
            for section in self.options.only:
                if section in ("files", "tokenizer") and round_ > 0:
                    continue  # they repeat by themselves
                getattr(self, section)()
                self.file.write_text(json.dumps(self.result))
        report.write(self.result, self.options.out)


def tokens(programs: Path, folder: Path, texts: list, *flags: str) -> list[list[int]]:
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    answer = peer_foretoken.output(
        [programs / "foretoken-bench", "tokenize", "--tokenizer", folder / "tokenizer.json",
         *flags], lines)
    return [json.loads(line) for line in answer.splitlines()]


def machine() -> dict:
    name = platform.processor()
    information = Path("/proc/cpuinfo")
    if information.exists():
        fields = [line.split(":", 1) for line in information.read_text().splitlines() if ":" in line]
        name = next((value.strip() for key, value in fields if key.startswith("model name")), name)
    return {"processor": name, "cores": os.cpu_count(), "system": platform.system()}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("foretoken-peers"))
    parser.add_argument("--programs", type=Path, default=REPOSITORY / ".build/release")
    parser.add_argument("--pair", type=Path, default=REPOSITORY / "Weights")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--models", nargs="+", choices=list(models.SHAPES),
                        default=list(models.SHAPES))
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--prompts", type=int, help="of the speculation; all without it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=4, help="of each step in a round")
    parser.add_argument("--add", action="store_true", help="keep the rounds that DIR has")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--report-only", action="store_true", help="of what DIR has")
    options = parser.parse_args()
    if options.report_only:
        report.write(json.loads((options.out / "result.json").read_text()), options.out)
    else:
        Comparison(options).run()


if __name__ == "__main__":
    main()
