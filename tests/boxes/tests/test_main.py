"""What the command line answers to what it cannot do."""

from pathlib import Path

import pytest

from tests.boxes import state
from tests.boxes.__main__ import main


@pytest.fixture(autouse=True)
def _no_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "RUN", tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 0)


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["fly"],
        ["up"],
        ["up", "Alpha"],
        ["up", "a_b"],
        ["up", "9a"],
        ["up", "a-"],
        ["up", "sources"],
        ["up", "a" * 33],
        ["ssh"],
        ["list", "more"],
    ],
)
def test_a_wrong_command_line_is_one_line_and_2(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(argv)
    except SystemExit as end:
        status = int(end.code or 0)
    output = capsys.readouterr()
    assert (status, output.out, output.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    "argv", [["ssh", "alpha", "--", "id"], ["reboot", "alpha"], ["down", "alpha"]]
)
def test_a_box_that_is_not_there_is_one_line_and_1(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 1
    output = capsys.readouterr()
    assert "alpha" in output.err
    assert (output.out, output.err.count("\n")) == ("", 1)


def test_without_root_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["up", "alpha"]) == 1
    assert "need root" in capsys.readouterr().err


def test_no_boxes_are_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out == ""
