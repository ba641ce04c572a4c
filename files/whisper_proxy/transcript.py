"""Parses whisper-server's verbose_json into segments with their times."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A special token as whisper.cpp spells it: [_BEG_], [_TT_150], <|endoftext|>.
SPECIAL = re.compile(r"\[_.*\]|<\|.*\|>")
# No text has control characters other than white space, and UTF-8 has no surrogates.
NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
MAX_NUMBER = 1e6  # far above any: 4 hours are 14,400 s, and a vocabulary has 51,866 tokens


@dataclass(frozen=True)
class Piece:
    """The text of a token, with a leading space if it begins a word; start and end in seconds.

    probability: of the token; None if whisper-server does not say.
    """

    text: str
    start: float
    end: float
    probability: float | None = None


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
    """Parse whisper-server's decoded verbose_json. Raises ValueError if it is not one.

    Whatever the answer was, all texts can be encoded, and all numbers are finite; no time is
    negative, and no segment ends before it starts.
    """
    fields = _object(answer, "answer")
    if fields.get("segments") is None:
        raise ValueError("no list of segments")
    return Transcript(
        segments=tuple(_segment(_object(one, "segment")) for one in _list(fields, "segments")),
        language=_text(fields.get("language", ""), "language").lower(),
        duration=max(0.0, _number(fields, "duration")),
    )


def _segment(fields: dict[str, Any]) -> Segment:
    start = max(0.0, _number(fields, "start"))
    return Segment(
        text=_text(fields.get("text"), "segment's text"),
        start=start,
        end=max(start, _number(fields, "end")),
        tokens=tuple(_tokens(fields)),
        temperature=_number(fields, "temperature"),
        avg_logprob=_number(fields, "avg_logprob"),
        no_speech_prob=_number(fields, "no_speech_prob"),
        pieces=tuple(_pieces(fields)),
    )


def _tokens(segment: dict[str, Any]) -> Iterator[int]:
    for token in _list(segment, "tokens"):
        if not isinstance(token, int) or not _is_number(token):
            raise ValueError("a segment's token is no number")
        yield token


def _pieces(segment: dict[str, Any]) -> Iterator[Piece]:
    # whisper-server calls tokens "words". An empty segment has none.
    for one in _list(segment, "words"):
        fields = _object(one, "segment's word")
        text = _text(fields.get("word"), "segment's word")
        if not SPECIAL.fullmatch(text.strip()):
            probability = _optional(fields, "probability")
            yield Piece(text, _number(fields, "start"), _number(fields, "end"), probability)


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"the {name} is no object, or there are no segments")
    return value


def _list(fields: dict[str, Any], name: str) -> list[Any]:
    """Return a list; an empty one if it is missing or null."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"the {name} are no list, or the segments' are none")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"the {name} is no text")
    return NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", value)


def _number(fields: dict[str, Any], name: str) -> float:
    """Return a number; 0 if it is missing or null, as whisper-server sends a NaN."""
    return _optional(fields, name) or 0.0


def _optional(fields: dict[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if not _is_number(value):
        raise ValueError(f"a segment's {name} is no number, or an absurd one")
    return float(value)


def _is_number(value: object) -> bool:
    # A whole number may have any size, and a bool is an int too.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -MAX_NUMBER <= value <= MAX_NUMBER  # NaN is not
