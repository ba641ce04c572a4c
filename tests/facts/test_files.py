"""What the shell makes of real files."""

import subprocess
from pathlib import Path

import pytest

from tests.facts.answers import answer
from voicemode_whisper.facts.files import Downloads
from voicemode_whisper.scripts import words


@pytest.mark.parametrize("origin", [(), ("downloaded",)])
def test_stamps_and_parts_are_the_downloads_of_a_directory(tmp_path: Path, origin: tuple[str]):
    model, part = tmp_path / "ggml it's.bin", tmp_path / ".other.bin.0123.part"
    model.touch()
    part.touch()
    subprocess.run(words("stamp", str(model), "a" * 64, *origin), check=True)
    (tmp_path / "other.sha256").write_text("somebody's own\n")
    assert answer(Downloads, directory=str(tmp_path)) == [f"{model}.sha256", str(part)]


def test_no_directory_has_no_downloads(tmp_path: Path):
    assert answer(Downloads, directory=str(tmp_path / "none")) == []
    assert answer(Downloads, directory=str(tmp_path)) == []
