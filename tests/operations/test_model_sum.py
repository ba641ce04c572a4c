"""model-sum.sh for real: a sum, and how far it is."""

import hashlib
import os
import subprocess
from pathlib import Path

from voicemode_whisper.scripts import words


def summed(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words("model-sum", str(path)),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_a_file_is_read_whole(tmp_path: Path):
    path = tmp_path / "it's.bin"
    path.write_bytes(b"a model")
    assert summed(path).stdout.split()[0] == hashlib.sha256(b"a model").hexdigest()


def test_how_far_it_is_is_told(tmp_path: Path):
    """A sum that takes long: sha256sum waits for more, as a slow disk makes it wait."""
    path = tmp_path / "slow.bin"
    path.write_bytes(bytes(3_000_000))
    slow = tmp_path / "sha256sum"
    slow.write_text(
        "#!/bin/sh\nhead -c 2000000 > /dev/null; sleep 1.5; cat > /dev/null; echo done\n"
    )
    slow.chmod(0o755)
    said = summed(path, PATH=f"{tmp_path}:{os.environ['PATH']}", PROGRESS_INTERVAL="1")
    assert said.stdout.splitlines() == ["slow.bin: read 2/3 MB", "done"]


def test_what_cannot_be_read_fails(tmp_path: Path):
    assert summed(tmp_path / "none").returncode != 0
