"""Unmodified answers of real whisper-servers: tiny.en on the JFK sample, with verbose_json,
max_len=-1 and token_timestamps.

v1.9.1-speech, v1.7.5-speech: the plain sample. v1.9.1-quotes: with a prompt full of accents, quotes
and dashes, which the model imitated. v1.9.1-long: four times the sample, 44 s, without its `words`.
v1.9.1-silence: its first 90 ms. v1.9.1-blank: with 35 s of silence after it.
"""

import json
from pathlib import Path
from typing import Any

from whisper_proxy.transcript import Transcript, parse

RECORDINGS = Path(__file__).parent / "recordings"


def recorded(name: str) -> dict[str, Any]:
    """Return an answer as whisper-server gave it, decoded from JSON."""
    answer: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return answer


def recorded_transcript(name: str) -> Transcript:
    """Return an answer as the proxy parses it."""
    return parse(recorded(name))
