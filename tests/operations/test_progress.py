"""Commands that say how far they are."""

from pathlib import Path

import pytest
from pyinfra import logger
from pyinfra.api import operation, output

from tests.operations.conftest import Apply, Failed
from voicemode_whisper.operations.util.progress import with_progress


@operation()
def say(text: str):
    """Run a shell command, with_progress."""
    yield with_progress("sh", "-c", text)


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """A file that is there as soon as something is shown."""
    return tmp_path / "seen"


@pytest.fixture
def lines(seen: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown, without the host's name."""
    shown: list[str] = []

    def echo(line: str, **_: object) -> None:
        shown.append(line.split("] ", 1)[1])
        seen.touch()

    monkeypatch.setattr(output, "set_echo", lambda _: None)
    monkeypatch.setattr(output, "_echo", echo)
    return shown


def test_a_short_command_says_nothing(apply: Apply, lines: list[str]):
    assert apply(say, text="echo working") == 1
    assert lines == []


def until(file: Path) -> str:
    """A shell command that waits for a file."""
    return f"timeout 30 sh -c 'until [ -e {file} ]; do sleep 0.1; done'"


@pytest.mark.slow
def test_a_long_one_that_says_nothing_is_named(apply: Apply, lines: list[str], seen: Path):
    apply(say, text=f": ; {until(seen)}")
    assert lines[0].startswith("(5 s) sh -c : ; timeout")


def test_of_one_that_says_much_the_last_line_is_shown(
    apply: Apply, lines: list[str], seen: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PROGRESS_INTERVAL", "1")
    said = r"one\ntwo: 10%%\r\033[32m\tgr\303\274n: 20%%\r\n\n"
    apply(say, text=f"printf '{said}'; {until(seen)}")
    assert lines[0] == "(1 s) [32mgrn: 20%"


def test_one_that_fails_shows_its_end_and_fails(apply: Apply):
    with pytest.raises(Failed, match="line 40") as caught:
        apply(say, text="for n in $(seq 40); do echo line $n; done; exit 3")
    assert "line 11\n" in str(caught.value)
    assert "line 10\n" not in str(caught.value)
    assert str(caught.value).count("line 40") == 1


def test_what_was_written_over_is_not_part_of_the_end(apply: Apply):
    with pytest.raises(Failed, match="fatal: gone") as caught:
        apply(say, text=r"printf '10%%\r20%%\rdone\r\nfatal: gone\n'; exit 1")
    assert "done\n" in str(caught.value)
    assert "0%" not in str(caught.value)


def test_a_disk_that_is_full_is_named(apply: Apply, monkeypatch: pytest.MonkeyPatch):
    logged: list[str] = []
    monkeypatch.setattr(logger, "error", lambda line, *_: logged.append(line))
    with pytest.raises(Failed, match="No space left on device"):
        apply(say, text="echo 'cc1: fatal: a.o: No space left on device'; exit 1")
    (line,) = [line for line in logged if "disk: " in line]
    assert "free; free some, and run again: what is done is kept" in line
