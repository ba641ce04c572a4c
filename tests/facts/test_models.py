"""What the shell makes of real models and their stamps."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.facts.answers import answer
from voicemode_whisper.core.models import ModelFile
from voicemode_whisper.facts.models import ModelFiles
from voicemode_whisper.scripts import words

NAME = "ggml-own.bin"
SHA256 = hashlib.sha256(b"a model").hexdigest()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(b"a model")
    return path


def stamp(path: Path, sha256: str) -> None:
    subprocess.run(words("stamp", str(path), sha256), check=True)


def read(directory: Path) -> dict[str, ModelFile]:
    files: dict[str, ModelFile] = answer(ModelFiles, directory=str(directory), names=[NAME, "x"])
    return files


def test_a_sum_is_taken_where_there_is_no_stamp(model: Path):
    assert read(model.parent) == {NAME: ModelFile(SHA256, False, "")}


def test_a_sum_is_read_from_the_stamp_of_this_very_file(model: Path):
    stamp(model, "a" * 64)
    assert read(model.parent) == {NAME: ModelFile("a" * 64, True, "a" * 64)}


def test_the_stamp_of_what_was_there_before_is_read_too(model: Path):
    stamp(model, "a" * 64)
    model.write_bytes(b"another model")
    sha256 = hashlib.sha256(b"another model").hexdigest()
    assert read(model.parent) == {NAME: ModelFile(sha256, False, "a" * 64)}


def test_no_directory_has_no_models(tmp_path: Path):
    assert read(tmp_path / "none") == {}
