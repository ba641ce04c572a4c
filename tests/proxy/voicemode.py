"""VoiceMode, in a virtual environment of its own, as a client of the proxy.

It is pinned in requirements/voicemode.lock. Its many dependencies would constrain the project's.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
CLIENT = Path(__file__).parent / "voicemode_client.py"
LOCK = PROJECT / "requirements" / "voicemode.lock"
VENV = PROJECT / ".venv-voicemode"
RUN_SECONDS = 90

Result = dict[str, Any]


def run(command: Sequence[str | Path], **options: Any) -> str:
    """Run a program and return its output; AssertionError if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed() -> Path:
    """Return the Python that has VoiceMode; install it first if it is missing or outdated."""
    stamp = VENV / "lock.sha256"
    python = VENV / "bin" / "python"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        run([sys.executable, "-m", "venv", "--clear", VENV])
        options = ("--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
        # --no-deps: the lock is all, and leaves out on purpose what VoiceMode does not use.
        locked = ("--no-deps", "--require-hashes", "-r", LOCK)
        run([python, "-m", "pip", "install", *options, *locked])
        stamp.write_text(digest)
    return python


def transcribe(python: Path, url: str, recording: Path) -> Result:
    """Return the models that VoiceMode finds at the proxy, and its transcription of a WAV file."""
    home = recording.parent  # where VoiceMode keeps its settings and its log
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "VOICEMODE_STT_BASE_URLS": f"{url}/v1",
    }
    command = [python, CLIENT, recording]
    result: Result = json.loads(run(command, cwd=home, env=environment, timeout=RUN_SECONDS))
    return result
