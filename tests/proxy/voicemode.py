"""VoiceMode, in a virtual environment of its own, as a client of the proxy.

It is pinned in requirements/voicemode.lock.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.clients.installed import python

CLIENT = Path(__file__).parent / "voicemode_client.py"
RUN_SECONDS = 90

Result = dict[str, Any]


def run(command: Sequence[str | Path], **options: Any) -> str:
    """Run a program and return its output; AssertionError if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed() -> Path:
    """Return the Python that has VoiceMode; install it first if it is missing or outdated."""
    return python("voicemode")


def transcribe(python: Path, url: str, recording: Path, key: str = "") -> Result:
    """Return the models that VoiceMode finds at the proxy, and its transcription of a WAV file."""
    settings = {"VOICEMODE_STT_BASE_URLS": f"{url}/v1", "OPENAI_API_KEY": key}
    result: Result = json.loads(_run_at_home([python, CLIENT, recording], recording, settings))
    return result


def listen(python: Path, url: str, recording: Path) -> list[Result]:
    """Return what `listen` logs, line by line, when a WAV file is spoken and 3 s of silence."""
    command = [python, "-m", "voice_mode.listen", "capture", "--source", f"file:{recording}"]
    command += ["--no-pace", "--tail-silence", "3", "--turn-text", "redecode"]
    log = recording.parent / "heard"
    settings = {"VOICEMODE_LISTEN_STT_URL": f"{url}/v1"}
    _run_at_home([*command, "--log-dir", log], recording, settings)
    (lines,) = log.glob("*.jsonl")
    return [json.loads(line) for line in lines.read_text().splitlines()]


def _run_at_home(
    command: Sequence[str | Path], recording: Path, settings: Mapping[str, str]
) -> str:
    home = recording.parent  # where VoiceMode keeps its settings and its log
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **settings}
    return run(command, cwd=home, env=environment, timeout=RUN_SECONDS)
