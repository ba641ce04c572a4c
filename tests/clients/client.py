"""A client package in a process of its own, which is asked and answers in lines of JSON."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import installed

HERE = Path(__file__).parent

Answer = dict[str, Any]


def openai_python() -> list[Path]:
    """OpenAI's own client for Python, which is among what the tests need."""
    return [Path(sys.executable), HERE / "openai_client.py"]


def litellm() -> list[Path]:
    """LiteLLM."""
    return [installed.python("litellm"), HERE / "litellm_client.py"]


def openai_node() -> list[Path]:
    """OpenAI's own client for Node."""
    return [installed.node(), installed.NODE / "openai_client.mjs"]


def ai_sdk() -> list[Path]:
    """Vercel's AI SDK."""
    return [installed.node(), installed.NODE / "ai_sdk_client.mjs"]


def openai_python_live() -> list[Path]:
    """OpenAI's own client for Python, with what its live sessions need."""
    return [installed.python("realtime"), HERE / "openai_realtime_client.py"]


def openai_node_live() -> list[Path]:
    """OpenAI's own client for Node, for live sessions."""
    return [installed.node(), installed.NODE / "openai_realtime_client.mjs"]


class Client:
    """A running client."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, url: str, recording: Path, key: str = "none", **options: Any) -> Answer:
        """Have a file transcribed, with the client's own options.

        Returns {"result": what it returned}, or {"error": its exception's type, message, status}.
        """
        assert self._process.stdin
        assert self._process.stdout
        question = {"url": url, "key": key, "recording": str(recording), "options": options}
        print(json.dumps(question), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "the client ended"
        answer: Answer = json.loads(line)
        return answer


@contextmanager
def running(command: Sequence[Path]) -> Iterator[Client]:
    """Run a client, and end it with its input."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Client(process)
