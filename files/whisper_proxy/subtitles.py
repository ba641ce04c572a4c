"""SubRip and WebVTT, as OpenAI's whisper writes them."""

import re
from collections.abc import Iterator

from .transcript import Segment, Transcript

ARROW = re.compile("(?<!-)-{2,}>")


def srt(transcript: Transcript) -> str:
    """Return SubRip: numbered cues with times such as `00:00:08,000`, each with a blank line."""
    cues = enumerate(_cues(transcript, ","), start=1)
    return "".join(f"{number}\n{cue}" for number, cue in cues)


def vtt(transcript: Transcript) -> str:
    """Return WebVTT: cues with times such as `00:00:08.000`, each with a blank line."""
    return "WEBVTT\n\n" + "".join(_cues(transcript, "."))


def _cues(transcript: Transcript, mark: str) -> Iterator[str]:
    for segment in transcript.segments:
        text = _line(segment)
        if text:
            start, end = timestamp(segment.start, mark), timestamp(segment.end, mark)
            yield f"{start} --> {end}\n{text}\n\n"


def _line(segment: Segment) -> str:
    # A blank line would end the cue, and an arrow would begin another.
    return ARROW.sub("->", " ".join(segment.text.split()))


def timestamp(seconds: float, mark: str) -> str:
    """Return `HH:MM:SS`, the decimal mark, and milliseconds."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{mark}{milliseconds:03}"
