"""What a person sees: pyinfra itself, on a pseudo terminal and without one."""

import os
import re
import sys
from io import StringIO
from pathlib import Path

import click
import pexpect
import pytest
from pexpect.popen_spawn import PopenSpawn

from voicemode_whisper.operations.util.screen import MARK, Screen

ROOT = Path(__file__).parents[2]
COLUMNS = 60
PYINFRA = [str(Path(sys.executable).parent / "pyinfra"), "-y", "@local", "deploy.py"]

# Each step waits until the test has seen what the step says.
DEPLOY = """
from pyinfra.api import operation
from voicemode_whisper.operations.util.progress import with_progress

STEPS = '''
step() { echo "$1"; timeout 30 sh -c "until [ -e $2 ]; do sleep 0.1; done"; }
step "[1/4] Building CXX object a/very/long/path/that/does/not/fit/into/a/line.cpp.o" one
step "[3/4] Building" two
'''

@operation()
def run(text):
    yield with_progress("sh", "-c", text)

run(name="Build", text=STEPS)
run(name="Fail", text="echo fatal: no compiler; exit 1")
"""


class Terminal:
    """What a terminal shows that was sent what pyinfra sends."""

    _PIECE = re.compile(r"\033\[(\d*)([A-Za-z])|([\r\n])|([^\033\r\n]+)")

    def __init__(self, text: str = "") -> None:
        self.lines = [""]
        self.row = self.column = 0
        self.send(text)

    def send(self, text: str) -> None:
        for number, code, control, words in self._PIECE.findall(text):
            if code == "A":
                self.row -= int(number)
            elif code in ("J", "K"):
                self._put("", self.lines[self.row][: self.column])
                if code == "J":
                    del self.lines[self.row + 1 :]
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self._line_feed()
            else:
                self._put(words, self.lines[self.row])

    def _put(self, words: str, line: str) -> None:
        before = line[: self.column].ljust(self.column)
        self.column += len(words)
        self.lines[self.row] = before + words + line[self.column :]

    def _line_feed(self) -> None:
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.lines):
            self.lines.append("")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """In place of the one that click writes to."""
    shown = Terminal()

    def echo(message: str, nl: bool = True, err: bool = False) -> None:
        shown.send(message + ("\n" if nl else ""))

    monkeypatch.setattr(click, "echo", echo)
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setenv("LINES", "5")
    return shown


def test_hosts_have_a_line_each_until_they_end(terminal: Terminal):
    screen = Screen()
    screen.echo("before")
    screen.echo(f"[one] {MARK}1/2 MB")
    screen.echo(f"\033[0m[\033[1mtwo\033[0m] {MARK}waiting")
    screen.echo(f"[one] {MARK}2/2 MB")
    bar = "█" * 14
    assert terminal.lines == ["before", f"    [one] {bar} 100% 2/2 MB", "    [two] waiting", ""]
    screen.end("[one] ")
    screen.end("[three] ")
    assert terminal.lines == ["before", "    [two] waiting", ""]
    screen.end("\033[0m[\033[1mtwo\033[0m] ")
    assert terminal.lines == ["before", ""]


def test_other_output_stays_above(terminal: Terminal):
    screen = Screen()
    screen.echo(f"[one] {MARK}1/4")
    screen.echo("[two] fatal: no compiler")
    screen.echo(f"[one] {MARK}waiting")
    assert terminal.lines == ["[two] fatal: no compiler", "    [one] waiting", ""]


def test_more_hosts_than_the_terminal_has_lines_do_not_scroll(terminal: Terminal):
    screen = Screen()
    for number in [*range(9), *range(9)]:
        screen.echo(f"[{number}] {MARK}waiting")
    assert terminal.lines == [f"    [{number}] waiting" for number in range(3)] + [""]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the deploy.py that PYINFRA runs."""
    (tmp_path / "deploy.py").write_text(DEPLOY)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PROGRESS_INTERVAL", "1")
    for name in ("COLUMNS", "LINES", "PYINFRA_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.slow
def test_on_a_terminal_a_bar_is_redrawn_in_place_and_goes(directory: Path):
    sent = StringIO()
    with pexpect.spawn(
        PYINFRA[0], PYINFRA[1:], cwd=directory, encoding="utf-8", dimensions=(24, COLUMNS),
        # Not what the C library has: readline, which pytest imports, puts another COLUMNS there.
        env=dict(os.environ),
    ) as session:  # fmt: skip
        session.logfile_read = sent
        session.expect(r"█{3,}░+  25% \(\d+ s\) \[1/4\] Building")
        assert bars(sent) == 1
        (directory / "one").touch()
        session.expect(r"█{9,}░+  75% \(\d+ s\) \[3/4\] Building")
        assert bars(sent) == 1
        (directory / "two").touch()
        session.expect(pexpect.EOF)
    drawn = [piece for piece in re.split(r"[\r\n]", click.unstyle(sent.getvalue())) if "░" in piece]
    assert max(map(len, drawn)) < COLUMNS
    lines = Terminal(sent.getvalue()).lines
    assert after("Build", lines)[0] == "    [@local] Success"
    assert after("Fail", lines)[0] == "[@local] fatal: no compiler"
    assert str(lines).count("fatal") == 1
    assert bars(sent) == 0


def bars(sent: StringIO) -> int:
    """How many there are on the terminal."""
    return sum("░" in line for line in Terminal(sent.getvalue()).lines)


def after(name: str, lines: list[str]) -> list[str]:
    """What follows the headline of an operation."""
    return lines[1 + next(n for n, line in enumerate(lines) if f"operation: {name}" in line) :]


@pytest.mark.slow
def test_a_log_has_plain_lines_alone(directory: Path):
    sent = StringIO()
    session = PopenSpawn(
        ["sh", "-c", 'exec "$@" 2>&1', "sh", *PYINFRA], cwd=str(directory), encoding="utf-8"
    )
    session.logfile_read = sent
    with session.proc:
        session.expect(r"\[1/4\]")
        (directory / "one").touch()
        (directory / "two").touch()
        session.expect(pexpect.EOF)
    lines = sent.getvalue().splitlines()
    first, *others = after("Build", lines)
    assert first.startswith("[@local] (1 s) [1/4] Building CXX object a/very/long/path/that")
    assert "    [@local] Success" in others
    assert not re.search(r"[\033\r░█]|~status~", sent.getvalue())
