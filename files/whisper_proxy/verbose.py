"""The body of OpenAI's verbose_json."""

import zlib
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

from .details import logprobs, seconds
from .fields import TranscriptionRequest
from .transcript import Segment, Transcript
from .words import words

WINDOW_SECONDS = 30.0  # Whisper's input window
FRAMES_A_SECOND = 100  # of the spectrogram: the unit of `seek`


def verbose_json(transcript: Transcript, request: TranscriptionRequest) -> dict[str, Any]:
    """Return task, language, duration, text, usage, and the segments, words and logprobs asked for.

    whisper-server reports the spoken language; for a translation, the language is English.
    """
    body: dict[str, Any] = {
        "task": "translate" if request.translate else "transcribe",
        "language": "english" if request.translate else transcript.language,
        "duration": transcript.duration,
        "text": transcript.text,
    }
    if "segment" in request.granularities:
        body["segments"] = list(_segments(transcript))
    if request.words:
        body["words"] = [asdict(word) for word in words(transcript)]
    if request.logprobs:
        body["logprobs"] = logprobs(transcript.segments)
    return body | {"usage": seconds(transcript)}


def _segments(transcript: Transcript) -> Iterator[dict[str, Any]]:
    number = 0
    for seek, window in groupby(_seeks(transcript), lambda pair: pair[0]):
        segments = [segment for _, segment in window]
        ratio = compression_ratio("".join(segment.text for segment in segments).strip())
        for segment in segments:
            yield _segment(number, seek, segment, ratio)
            number += 1


def _segment(number: int, seek: int, segment: Segment, ratio: float) -> dict[str, Any]:
    return {
        "id": number,
        "seek": seek,
        "start": round(segment.start, 2),
        "end": round(segment.end, 2),
        "text": segment.text,
        "tokens": segment.tokens,
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": ratio,
        "no_speech_prob": segment.no_speech_prob,
    }


def _seeks(transcript: Transcript) -> Iterator[tuple[int, Segment]]:
    """Yield each segment with the frame at which its window begins.

    whisper.cpp does not report it. A window begins where the last segment of the previous window
    ended, so a segment that ends outside the window is the first of the next. Windows that ended
    early, before 30 s, are merged.
    """
    seek = end = 0.0
    for segment in transcript.segments:
        if segment.end > seek + WINDOW_SECONDS:
            seek = end
        end = segment.end
        yield round(seek * FRAMES_A_SECOND), segment


def compression_ratio(text: str) -> float:
    """Return how well a window's text compresses: above 2.4, Whisper considers it a loop.

    The formula is that of OpenAI's whisper (`utils.compression_ratio`).
    """
    data = text.encode()
    return len(data) / len(zlib.compress(data))
