"""Parses whisper-server's verbose_json into segments with their times."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A special token as whisper.cpp spells it: [_BEG_], [_TT_150], <|endoftext|>.
SPECIAL = re.compile(r"\[_.*\]|<\|.*\|>")


@dataclass(frozen=True)
class Piece:
    """The text of a token, with a leading space if it begins a word; start and end in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Segment:
    """One segment. Its text includes its leading space, if there is one.

    start, end: seconds. tokens: Whisper's token ids. pieces: the texts of the tokens.
    """

    text: str
    start: float = 0.0
    end: float = 0.0
    tokens: tuple[int, ...] = ()
    temperature: float = 0.0
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """The segments in order. language: its English name in lower case. duration: seconds."""

    segments: tuple[Segment, ...] = ()
    language: str = ""
    duration: float = 0.0

    @property
    def text(self) -> str:
        """The whole text. Segments may split a word, so they are joined without a space."""
        return "".join(segment.text for segment in self.segments).strip()


def parse(answer: object) -> Transcript:
    """Parse whisper-server's decoded verbose_json. Raises ValueError if it is not one."""
    fields = _object(answer, "answer")
    segments = fields.get("segments")
    if not isinstance(segments, list):
        raise ValueError("no list of segments")
    return Transcript(
        segments=tuple(_segment(_object(one, "segment")) for one in segments),
        language=_text(fields.get("language", ""), "language").lower(),
        duration=_number(fields, "duration"),
    )


def _segment(fields: dict[str, Any]) -> Segment:
    return Segment(
        text=_text(fields.get("text"), "segment's text"),
        start=_number(fields, "start"),
        end=_number(fields, "end"),
        tokens=tuple(_tokens(fields)),
        temperature=_number(fields, "temperature"),
        avg_logprob=_number(fields, "avg_logprob"),
        no_speech_prob=_number(fields, "no_speech_prob"),
        pieces=tuple(_pieces(fields)),
    )


def _tokens(segment: dict[str, Any]) -> Iterator[int]:
    for token in segment.get("tokens", []):
        if not isinstance(token, int):
            raise ValueError("a segment's token is no number")
        yield token


def _pieces(segment: dict[str, Any]) -> Iterator[Piece]:
    # whisper-server calls tokens "words". An empty segment has none.
    for one in segment.get("words", []):
        fields = _object(one, "segment's word")
        text = _text(fields.get("word"), "segment's word")
        if not SPECIAL.fullmatch(text.strip()):
            yield Piece(text, _number(fields, "start"), _number(fields, "end"))


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"the {name} is no object, or there are no segments")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"the {name} is no text")
    return value


def _number(fields: dict[str, Any], name: str) -> float:
    """Return a number; 0 if it is missing or null, as whisper-server sends a NaN."""
    value = fields.get(name)
    if value is None:
        return 0.0
    if not isinstance(value, int | float):
        raise ValueError(f"a segment's {name} is no number")
    return float(value)
