# /// script
# requires-python = ">=3.11"
# dependencies = ["termtosvg-ng==1.4.1"]
# ///
"""Make the pictures of the README from real runs: docs/demo.svg and docs/doctor.svg.

    .venv/bin/uv run docs/record.py

Runs `make demo`, as root on Debian, then tasks/doctor.py on its box, after one thing there was made
wrong. What is idle for longer than a moment is shortened.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BOX = "demo"
BOXES = [".venv/bin/python", "-m", "tests.boxes"]
BREAK = "systemctl --user disable voicemode-whisper.service"
DOCTOR = [".venv/bin/pyinfra", "-y", ".boxes/inventory.py", "tasks/doctor.py", "--limit", BOX]
COLUMNS, ROWS = 110, 34
# Milliseconds that one state of the terminal is shown at most, and the last one.
LONGEST, LAST = 400, 8000
# What a picture must not tell of the machine that it was made on, and what it tells instead.
PRIVATE = {str(ROOT): "~/voicemode-whisper", str(Path.home()): "~", socket.gethostname(): "desktop"}

Event = tuple[float, str]


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(ROOT)
            # The size is set before anything asks for it.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execvp(command[0], command)

    def events(self) -> Iterator[Event]:
        """What it shows, as it comes, until it ends: (seconds since the start, text)."""
        started = time.monotonic()
        while text := self._read():
            print(text, end="", flush=True)
            yield time.monotonic() - started, text

    def _read(self) -> str:
        try:
            first = os.read(self.terminal, 1 << 16)
            time.sleep(0.05)  # what is written together is shown together
            os.set_blocking(self.terminal, False)
            return (first + self._rest()).decode(errors="replace")
        except OSError:  # it has ended
            return ""
        finally:
            os.set_blocking(self.terminal, True)

    def _rest(self) -> bytes:
        try:
            return os.read(self.terminal, 1 << 16)
        except OSError:
            return b""

    def wait(self) -> int:
        """The exit status."""
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


def main() -> int:
    """Make both pictures; the exit status is 0 when both runs were as they should be."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if draw("demo", ["make", "demo"]) != 0:
        return fail("make demo failed")
    subprocess.run([*BOXES, "ssh", BOX, "--", BREAK], cwd=ROOT, check=True)
    if draw("doctor", DOCTOR, still=True) != 1:
        return fail("the doctor did not find what was made wrong")
    subprocess.run([*BOXES, "down", BOX], cwd=ROOT, check=True)
    return 0


def fail(reason: str) -> int:
    """Say why a picture is not as it should be."""
    print(f"record: {reason}", file=sys.stderr)
    return 1


def draw(name: str, command: list[str], *, still: bool = False) -> int:
    """Run a command in a terminal, and make docs/NAME.svg of it; its exit status."""
    terminal = Terminal(command)
    shown = [(0.0, f"$ {' '.join(command)}\r\n"), *terminal.events()]
    status = terminal.wait()
    events = [(at, anonymous(text)) for at, text in shown]
    text = "".join(text for _, text in events)
    told = [word for word in (*PRIVATE, "file://") if word in text]
    if told:
        raise SystemExit(fail(f"{name} tells of this machine: {', '.join(told)}"))
    render(events, ROOT / "docs" / f"{name}.svg", still)
    return status


def anonymous(text: str) -> str:
    """The text without what is this machine's own."""
    for private, public in PRIVATE.items():
        text = text.replace(private, public)
    return text


def render(events: Sequence[Event], picture: Path, still: bool) -> None:
    """Write an SVG of what a terminal showed: animated, or how it looked in the end."""
    header = {"version": 2, "width": COLUMNS, "height": ROWS}
    lines = [header, *([at, "o", text] for at, text in events)]
    options = ["-s"] if still else ["-M", str(LONGEST), "-D", str(LAST)]
    with tempfile.TemporaryDirectory() as directory:
        cast, frames = Path(directory, "cast"), Path(directory, "svg")
        cast.write_text("\n".join(map(json.dumps, lines)))
        frames.mkdir()
        target = frames if still else frames / "animation.svg"
        termtosvg = [sys.executable, "-m", "termtosvg", "render", str(cast), str(target)]
        subprocess.run([*termtosvg, *options, "-t", "window_frame"], check=True)
        svg = max(frames.iterdir()).read_text()
    # Not every viewer keeps spaces that stand at the beginning or side by side.
    picture.write_text(re.sub(r"<text[^>]*>[^<]*", unbroken, svg))


def unbroken(text: re.Match[str]) -> str:
    """A <text> element with spaces that are kept."""
    tag, _, shown = text[0].partition(">")
    return f"{tag}>{shown.replace(' ', chr(0xA0))}"


if __name__ == "__main__":
    sys.exit(main())
