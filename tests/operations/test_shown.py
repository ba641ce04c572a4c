"""Commands that say how far they are."""

import pytest
from pyinfra.api import operation, output

from operations.shown import narrated
from tests.operations.conftest import Apply, Failed


@operation()
def say(text: str):
    """Run a shell command, narrated."""
    yield narrated("sh", "-c", text)


def test_a_short_command_says_nothing(apply: Apply, monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    monkeypatch.setattr(output, "set_echo", lambda _: None)
    monkeypatch.setattr(output, "_echo", lambda line, **_: lines.append(line))
    assert apply(say, text="echo working") == 1
    assert lines == []


def test_a_long_one_shows_its_last_line(apply: Apply, monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    monkeypatch.setattr(output, "set_echo", lambda _: None)
    monkeypatch.setattr(output, "_echo", lambda line, **_: lines.append(line.split("] ")[1]))
    apply(say, text="echo started; echo '1 of 2'; sleep 5.5")
    assert lines == ["1 of 2"]


def test_one_that_fails_shows_its_end_and_fails(apply: Apply):
    with pytest.raises(Failed, match="line 40") as caught:
        apply(say, text="for n in $(seq 40); do echo line $n; done; exit 3")
    assert "line 11\n" in str(caught.value)
    assert "line 10\n" not in str(caught.value)
    assert str(caught.value).count("line 40") == 1
