"""Leaves of a transcript what was said, at times within the recording."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from .annotations import BLANK, blank
from .transcript import Piece, Segment, Transcript
from .words import fix_split_characters

Timed = TypeVar("Timed", Segment, Piece)


def only_speech(transcript: Transcript) -> Transcript:
    """Return the transcript without annotations such as [BLANK_AUDIO] and without empty segments.

    Times are in order and end with the recording: Whisper fills its window of 30 s, so that the
    last segment may end long after it.
    """
    blanked = blank([segment.text for segment in transcript.segments])
    spoken = map(_spoken, transcript.segments, blanked)
    segments = [segment for segment in spoken if segment.text.strip()]
    end = _end(transcript.duration)
    return replace(
        transcript,
        segments=tuple(
            replace(segment, pieces=tuple(_in_order(segment.pieces, end)))
            for segment in _in_order(segments, end)
        ),
    )


def _spoken(segment: Segment, blanked: str) -> Segment:
    if blanked == segment.text:
        return segment
    pieces = tuple(_pieces(segment, blanked))
    return replace(segment, text=blanked.replace(BLANK, ""), pieces=pieces)


def _pieces(segment: Segment, blanked: str) -> Iterator[Piece]:
    at = 0
    for piece in fix_split_characters(segment):
        at = max(at, segment.text.find(piece.text, at))
        end = at + len(piece.text)
        text = blanked[at:end].replace(BLANK, "")
        if text:
            yield replace(piece, text=text)
        at = end


def _end(duration: float) -> float:
    """Return when the recording ends, in whole hundredths of a second; never if it is not known."""
    return math.floor(duration * 100) / 100 if duration > 0 else math.inf


def _in_order(parts: list[Timed] | tuple[Timed, ...], end: float) -> Iterator[Timed]:
    """Yield the parts, each starting no earlier than the one before, and ending before the next."""
    starts: list[float] = []
    last = 0.0
    for part in parts:
        last = max(last, min(part.start, end))
        starts.append(last)
    for part, (start, following) in zip(parts, pairwise([*starts, end]), strict=True):
        ending = max(start, min(part.end, following))
        same = (part.start, part.end) == (start, ending)  # as nearly all are: a copy takes long
        yield part if same else replace(part, start=start, end=ending)
