"""A transcript in each of OpenAI's formats."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .details import details
from .fields import TranscriptionRequest
from .speech import only_speech
from .stream import events
from .subtitles import srt, vtt
from .transcript import Transcript
from .verbose import verbose_json


@dataclass(frozen=True)
class Answer:
    """A response body and its media type, always UTF-8."""

    text: str
    content_type: str


def render(transcript: Transcript, request: TranscriptionRequest) -> Answer:
    """Return what was said in the requested format, or as server-sent events."""
    transcript = only_speech(transcript)
    if request.stream:
        return Answer(events(transcript, request), "text/event-stream")
    return _RENDERERS[request.response_format](transcript, request)


def _json(transcript: Transcript, request: TranscriptionRequest) -> Answer:
    return _dumped({"text": transcript.text} | details(transcript, request))


def _verbose_json(transcript: Transcript, request: TranscriptionRequest) -> Answer:
    return _dumped(verbose_json(transcript, request))


def _dumped(body: dict[str, Any]) -> Answer:
    return Answer(json.dumps(body, ensure_ascii=False), "application/json")


def _text(transcript: Transcript, _: TranscriptionRequest) -> Answer:
    return Answer(transcript.text + "\n", "text/plain")  # OpenAI ends it with a newline too


def _srt(transcript: Transcript, _: TranscriptionRequest) -> Answer:
    return Answer(srt(transcript), "text/plain")  # SubRip has no registered type


def _vtt(transcript: Transcript, _: TranscriptionRequest) -> Answer:
    return Answer(vtt(transcript), "text/vtt")


_RENDERERS: dict[str, Callable[[Transcript, TranscriptionRequest], Answer]] = {
    "json": _json,
    "text": _text,
    "srt": _srt,
    "vtt": _vtt,
    "verbose_json": _verbose_json,
}
