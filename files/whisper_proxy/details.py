"""What OpenAI's models tell beside the text: log probabilities, languages and usage."""

import math
from collections.abc import Iterable
from typing import Any

from .fields import TranscriptionRequest
from .languages import CODES
from .transcript import Piece, Segment, Transcript
from .words import fix_split_characters

MULTILINGUAL = "gpt-transcribe"  # tells which languages it heard
BILLED_BY_TOKENS = "gpt-4o"  # the beginning of its names; others are billed by seconds
AUDIO_TOKENS_A_SECOND = 10  # as OpenAI counts them
# JSON has no infinity. This is about the least that a probability of whisper.cpp's can be.
MIN_PROBABILITY = 1e-38


def details(transcript: Transcript, request: TranscriptionRequest) -> dict[str, Any]:
    """Return what a JSON answer has beside its text, for what was asked of which model."""
    found: dict[str, Any] = {}
    if request.logprobs:
        found["logprobs"] = logprobs(transcript.segments)
    if request.model.startswith(MULTILINGUAL):
        found["languages"] = _languages(transcript)
    by_tokens = request.model.startswith(BILLED_BY_TOKENS)
    return found | {"usage": _tokens(transcript) if by_tokens else seconds(transcript)}


def logprobs(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    """Return token, logprob and bytes of each token.

    Where several tokens make one character, whisper-server tells the probability of the first.
    """
    pieces = (piece for segment in segments for piece in fix_split_characters(segment))
    return [_logprob(piece, piece.probability) for piece in pieces if piece.probability is not None]


def _logprob(piece: Piece, probability: float) -> dict[str, Any]:
    logprob = math.log(min(1.0, max(MIN_PROBABILITY, probability)))
    return {"token": piece.text, "logprob": logprob, "bytes": list(piece.text.encode())}


def seconds(transcript: Transcript) -> dict[str, Any]:
    """Return what OpenAI bills for whisper-1: whole seconds of audio."""
    return {"type": "duration", "seconds": math.ceil(transcript.duration)}


def _tokens(transcript: Transcript) -> dict[str, Any]:
    # The tokens of the text are Whisper's. Those of the prompt are not known here.
    audio = math.ceil(transcript.duration * AUDIO_TOKENS_A_SECOND)
    text = sum(len(segment.tokens) for segment in transcript.segments)
    return {
        "type": "tokens",
        "input_tokens": audio,
        "input_token_details": {"text_tokens": 0, "audio_tokens": audio},
        "output_tokens": text,
        "total_tokens": audio + text,
    }


def _languages(transcript: Transcript) -> list[dict[str, str]]:
    code = CODES.get(transcript.language)
    return [{"code": code}] if code and transcript.text else []
