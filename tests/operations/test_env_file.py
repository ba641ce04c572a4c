"""voicemode.env: one line changes, and nothing else."""

from pathlib import Path

import pytest

from tests.operations.conftest import Apply
from voicemode_whisper.operations.env_file import absent, variable

LINE = "STT=http://127.0.0.1:2023/v1"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"{LINE}\n"),
        ("", f"{LINE}\n"),
        ("A=1\n", f"A=1\n{LINE}\n"),
        ("A=1", f"A=1\n{LINE}\n"),
        ("A=1\nSTT=old\n# STT=x\n\nB=\\n $1\n", f"A=1\n{LINE}\n# STT=x\n\nB=\\n $1\n"),
        ("STT=old\nA=1\nSTT=older\n", f"{LINE}\nA=1\n"),
        ("STTX=1\nSTT=old", f"STTX=1\n{LINE}\n"),
    ],
)
def test_the_line_is_set_where_it_stood_or_at_the_end(
    apply: Apply, tmp_path: Path, before: str | None, after: str
):
    path = tmp_path / "voice mode" / "voicemode.env"
    if before is not None:
        path.parent.mkdir()
        path.write_text(before)
    arguments = {"path": str(path), "key": "STT", "value": LINE.removeprefix("STT=")}
    assert apply(variable, **arguments) == 1
    assert apply(variable, **arguments) == 0
    assert path.read_text() == after
    assert list(path.parent.iterdir()) == [path]


def test_mode_and_link_stay(apply: Apply, tmp_path: Path):
    real, link = tmp_path / "dotfiles.env", tmp_path / "voicemode.env"
    real.write_text("SECRET=1\n")
    real.chmod(0o600)
    link.symlink_to(real)
    apply(variable, path=str(link), key="STT", value="x")
    assert link.is_symlink()
    assert real.read_text() == "SECRET=1\nSTT=x\n"
    assert real.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{LINE}\n", None),
        (f"A=1\n{LINE}\n", "A=1\n"),
        (f"{LINE}\n\n# {LINE}\n", f"\n# {LINE}\n"),
        ("STT=mine\n", "STT=mine\n"),
        (f"{LINE}\nSTT=mine\n", f"{LINE}\nSTT=mine\n"),
    ],
)
def test_its_own_line_is_removed_and_no_other(
    apply: Apply, tmp_path: Path, before: str, after: str | None
):
    path = tmp_path / "voicemode.env"
    path.write_text(before)
    arguments = {"path": str(path), "key": "STT", "value": LINE.removeprefix("STT=")}
    apply(absent, **arguments)
    assert apply(absent, **arguments) == 0
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == (
        {} if after is None else {path.name: after}
    )


def test_a_link_is_left_when_its_file_is_empty(apply: Apply, tmp_path: Path):
    real, link = tmp_path / "dotfiles.env", tmp_path / "voicemode.env"
    real.write_text("STT=x\n")
    link.symlink_to(real)
    apply(absent, path=str(link), key="STT", value="x")
    assert link.is_symlink()
    assert real.read_text() == ""
