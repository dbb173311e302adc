"""llama-cpp-python's OpenAI-compatible server with the shipped draft as a GGUF file."""

import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import models


def draft_file(pair: Path, program: Path, work: Path) -> Path:
    """The draft in f16, made once for each work folder."""
    folder = work / "draft"
    model = folder / "text.gguf"
    if not model.exists():
        # What an attempt that failed has left is in the way.
        shutil.rmtree(folder, ignore_errors=True)
        models.plain_folder(pair / "draft", program, folder)
        models.write_gguf(folder, "f16", model, with_vocabulary=True)
    return model


class Server:
    def __init__(self, model: Path, port: int):
        self.url = f"http://127.0.0.1:{port}/v1"
        # A stream is to be finished before the next request is taken.
        self.command = [
            sys.executable, "-m", "llama_cpp.server", "--model", model, "--port", str(port),
            "--n_ctx", "1024", "--n_threads", "1", "--model_alias", "draft",
            "--interrupt_requests", "false"]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self) -> None:
        for _ in range(600):
            try:
                urllib.request.urlopen(self.url + "/models", timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"the server ended with status {self.process.returncode}")
                time.sleep(0.1)
        sys.exit("the server does not answer")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
