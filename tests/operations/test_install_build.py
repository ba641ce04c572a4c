"""install-build.sh for real: what stays of a build."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from voicemode_whisper.scripts import words

MODEL = b"a VAD model"


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    """A build as CMake leaves it."""
    bin = tmp_path / "v1-0.partial/bin"
    bin.mkdir(parents=True)
    for program in ("whisper-server", "whisper-cli", "other"):
        (bin / program).write_text(program)
    return bin.parent


def installed(partial: Path, vad: Path) -> dict[str, str]:
    """The files of the build, by their names."""
    final = partial.with_suffix("")
    sha256 = hashlib.sha256(MODEL).hexdigest()
    programs = ("whisper-server", "whisper-cli")
    command = words("install-build", str(partial), str(final), "{}\n", str(vad), sha256, *programs)
    subprocess.run(command, check=True, timeout=20)
    assert not partial.exists()
    files = (path for path in final.rglob("*") if path.is_file())
    return {str(path.relative_to(final)): path.read_text() for path in files}


def test_the_programs_and_the_vad_model_stay(partial: Path, tmp_path: Path):
    vad = tmp_path / "for-tests.bin"
    vad.write_bytes(MODEL)
    found = installed(partial, vad)
    sums = dict(reversed(line.split("  ")) for line in found.pop("SHA256SUMS").splitlines())
    assert sums == {
        name: hashlib.sha256(text.encode()).hexdigest()
        for name, text in found.items()
        if name != "manifest.json"
    }
    assert found == {
        "bin/whisper-server": "whisper-server",
        "bin/whisper-cli": "whisper-cli",
        "manifest.json": "{}\n",
        "vad.bin": MODEL.decode(),
    }


def test_sources_without_the_vad_model_are_built_without(partial: Path, tmp_path: Path):
    assert "vad.bin" not in installed(partial, tmp_path / "for-tests.bin")


def test_another_file_is_no_vad_model(partial: Path, tmp_path: Path):
    vad = tmp_path / "for-tests.bin"
    vad.write_bytes(MODEL + b"!")
    assert "vad.bin" not in installed(partial, vad)
