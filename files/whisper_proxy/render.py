"""whisper-server's verbose_json in, OpenAI's answers out."""

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Transcript:
    """What was said, in order. A segment's text begins with its own space, where there is one."""

    segments: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole text. Segments may split a word, so nothing goes between them."""
        return "".join(self.segments).strip()


@dataclass(frozen=True)
class Answer:
    """A body and its media type, always UTF-8."""

    text: str
    content_type: str


def parse(answer: object) -> Transcript:
    """Read whisper-server's decoded verbose_json, or raise ValueError if it is none."""
    segments = answer.get("segments") if isinstance(answer, dict) else None
    if not isinstance(segments, list):
        raise ValueError("no list of segments")
    return Transcript(tuple(_text_of(segment) for segment in segments))


def _text_of(segment: object) -> str:
    text = segment.get("text") if isinstance(segment, dict) else None
    if not isinstance(text, str):
        raise ValueError("a segment without text")
    return text


def _json(transcript: Transcript) -> Answer:
    return Answer(json.dumps({"text": transcript.text}, ensure_ascii=False), "application/json")


def _text(transcript: Transcript) -> Answer:
    return Answer(transcript.text + "\n", "text/plain")  # OpenAI ends it with a newline as well


_RENDERERS: dict[str, Callable[[Transcript], Answer]] = {"json": _json, "text": _text}
FORMATS = tuple(_RENDERERS)


def render(transcript: Transcript, response_format: str) -> Answer:
    """Return the transcript in one of FORMATS."""
    return _RENDERERS[response_format](transcript)
