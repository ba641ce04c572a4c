"""What the shell makes of real files."""

import subprocess
from pathlib import Path

import pytest
from whisper_proxy.api_key import read_key

from tests.facts.answers import answer
from voicemode_whisper.facts.files import Downloads, KeyFile
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


@pytest.mark.parametrize(
    "content",
    [
        b"key",
        b" key\t\r\n\n",
        b"\nkey\n",
        b"",
        b"\n",
        b"a b",
        b"a\nb",
        b"a\0b",
        b"\xfc",
        b"\x1b[1m",
    ],
)
def test_a_key_file_holds_what_the_proxy_takes(tmp_path: Path, content: bytes):
    path = tmp_path / "my key"
    path.write_bytes(content)
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    found = answer(KeyFile, path=str(link))
    try:
        has_key = bool(read_key(path))
    except ValueError:
        has_key = False
    assert (found.mode, found.owner, found.has_key) == (0o640, path.owner(), has_key)


def test_no_file_and_a_directory_are_no_key_file(tmp_path: Path):
    assert answer(KeyFile, path=str(tmp_path / "none")) is None
    assert answer(KeyFile, path=str(tmp_path)) is None
