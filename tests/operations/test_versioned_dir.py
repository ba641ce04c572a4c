"""Versions of something, on a real file system."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.operations.conftest import Apply
from voicemode_whisper.operations import versioned_dir


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "it's here"


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_an_archive_is_unpacked_once_and_whole(apply: Apply, path: Path):
    arguments = {"archive": archive(a="1"), "path": str(path), "version": "x"}
    (path.parent / f"{path.name}-x.partial").mkdir(parents=True)
    (path.parent / f"{path.name}-x.partial" / "stale").touch()
    assert apply(versioned_dir.unpack, **arguments) > 0
    assert apply(versioned_dir.unpack, **arguments) == 0
    (version,) = path.parent.iterdir()
    assert {file.name: file.read_text() for file in version.iterdir()} == {"a": "1"}


def test_a_damaged_archive_leaves_no_version(apply: Apply, path: Path):
    with pytest.raises(Exception, match="tar"):
        apply(versioned_dir.unpack, archive=archive(a="1")[:100], path=str(path), version="x")
    assert not (path.parent / f"{path.name}-x").exists()
