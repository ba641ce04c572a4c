"""Run the outer machine's programs, and say on stderr what takes long."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class BoxError(Exception):
    """Something a person can act on; its text is one line."""


_children: set[subprocess.Popen[bytes]] = set()


def run(
    *argv: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
) -> str:
    """Run a program to its end and return its standard output; BoxError if it fails."""
    words = [str(word) for word in argv]
    pipe = subprocess.PIPE
    stdin = subprocess.DEVNULL if input is None else pipe
    with subprocess.Popen(words, cwd=cwd, env=env, stdin=stdin, stdout=pipe, stderr=pipe) as child:
        _children.add(child)
        try:
            out, err = child.communicate(None if input is None else input.encode())
        finally:
            _children.discard(child)
    if child.returncode:
        raise BoxError(_failure(words, child.returncode, err or out))
    return out.decode(errors="replace")


def end_children() -> None:
    """End what `run` is running in any thread: an interrupt reaches only the main thread."""
    for child in list(_children):
        child.terminate()


def say(text: str) -> None:
    """Print one line of progress to stderr."""
    print(f"boxes: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, and say how many seconds it took."""
    say(f"{title} ...")
    start = time.monotonic()
    yield
    say(f"{title}: {time.monotonic() - start:.1f} s")


def _failure(words: list[str], status: int, output: bytes) -> str:
    """One line: the program, its exit status and the last lines that it wrote."""
    lines = output.decode(errors="replace").strip().splitlines()
    return f"{' '.join(words[:3])} ... exited {status}: {' / '.join(lines[-3:]) or 'no output'}"
