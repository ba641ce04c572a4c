"""What the shell makes of real models and their stamps."""

import hashlib
import os
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


LARGE = bytes(range(256)) * 16384  # 4 MiB


@pytest.mark.parametrize("at", [0, 4, len(LARGE) // 3, len(LARGE) - 20_000, len(LARGE) - 1])
def test_damage_shows_though_size_times_and_inode_are_the_same(tmp_path: Path, at: int):
    path = tmp_path / NAME
    path.write_bytes(LARGE)
    stamp(path, "a" * 64)
    assert read(tmp_path)[NAME].stamped
    damage(path, at)
    assert read(tmp_path)[NAME] == ModelFile(
        hashlib.sha256(path.read_bytes()).hexdigest(), False, "a" * 64
    )


def damage(path: Path, at: int) -> None:
    """Overwrite what is there from `at` on, up to 16 KiB, and nothing else of the file."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xaa" * min(16384, len(LARGE) - at))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("origin", ["", " downloaded"])
def test_a_stamp_from_before_there_were_samples_is_taken_again(model: Path, origin: str):
    found = model.stat()
    text = f"{SHA256} {found.st_size} {int(found.st_mtime)} {found.st_ino}{origin}\n"
    model.with_name(f"{NAME}.sha256").write_text(text)
    assert read(model.parent) == {NAME: ModelFile(SHA256, False, SHA256)}
    stamp(model, SHA256)
    assert read(model.parent) == {NAME: ModelFile(SHA256, True, SHA256)}
    assert model.with_name(f"{NAME}.sha256").read_text().endswith(" downloaded\n") == bool(origin)


def test_where_no_sample_can_be_taken_the_whole_sum_is(model: Path, tmp_path: Path):
    stamp(model, "a" * 64)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").write_text("#!/bin/sh\nexit 1\n")
    (programs / "python3").chmod(0o755)
    without = [
        word.replace('PATH="/usr/bin:$PATH"', f'PATH="{programs}:$PATH"')
        for word in words("model-files", str(model.parent), NAME)
    ]
    said = subprocess.run(without, check=True, capture_output=True, text=True).stdout
    assert said == f"{NAME} {SHA256} no {'a' * 64}\n"
