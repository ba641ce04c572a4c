"""A transcript in each of OpenAI's formats."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .fields import Transcription
from .stream import events
from .subtitles import srt, vtt
from .transcript import Transcript
from .verbose import usage, verbose_json


@dataclass(frozen=True)
class Answer:
    """A body and its media type, always UTF-8."""

    text: str
    content_type: str


def render(transcript: Transcript, wanted: Transcription) -> Answer:
    """Return the transcript in the format that is wanted, or as events."""
    if wanted.stream:
        return Answer(events(transcript), "text/event-stream")
    return _RENDERERS[wanted.response_format](transcript, wanted)


def _json(transcript: Transcript, _: Transcription) -> Answer:
    return _dumped({"text": transcript.text, "usage": usage(transcript)})


def _verbose_json(transcript: Transcript, wanted: Transcription) -> Answer:
    return _dumped(verbose_json(transcript, wanted))


def _dumped(body: dict[str, Any]) -> Answer:
    return Answer(json.dumps(body, ensure_ascii=False), "application/json")


def _text(transcript: Transcript, _: Transcription) -> Answer:
    return Answer(transcript.text + "\n", "text/plain")  # OpenAI ends it with a newline as well


def _srt(transcript: Transcript, _: Transcription) -> Answer:
    return Answer(srt(transcript), "text/plain")  # SubRip has no registered type


def _vtt(transcript: Transcript, _: Transcription) -> Answer:
    return Answer(vtt(transcript), "text/vtt")


_RENDERERS: dict[str, Callable[[Transcript, Transcription], Answer]] = {
    "json": _json,
    "text": _text,
    "srt": _srt,
    "vtt": _vtt,
    "verbose_json": _verbose_json,
}
