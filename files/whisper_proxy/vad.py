"""Voice activity detection: the parts of a recording that whisper-server transcribes.

OpenAI's field for it is `chunking_strategy`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import invalid, not_one_of, quoted

FIELD = "chunking_strategy"
TYPES = ("auto", "server_vad")
MAX_MILLISECONDS = 10_000


@dataclass(frozen=True)
class Vad:
    """What counts as speech. docs/api.md tells what the defaults were measured on.

    threshold: the probability of speech from which on it is some; with 0 all is transcribed.
    padding_ms: of what is around speech, so much is transcribed too. Without that pause, Whisper
    would see no sentence begin, and a cue would begin with the silence before it. silence_ms: a
    shorter silence is part of the speech. speech_ms: something shorter is no speech.
    """

    threshold: float = 0.1
    padding_ms: int = 300
    silence_ms: int = 200
    speech_ms: int = 100


DEFAULT = Vad()


def parse(fields: Mapping[str, Sequence[str]]) -> Vad:
    """Return what `chunking_strategy` asks for, or raise ApiError.

    It is `auto`, or `server_vad` with its numbers as a JSON object or as fields of their own, such
    as `chunking_strategy[threshold]`. What is not given has its default.
    """
    given = _object(_decoded(fields.get(FIELD, [""])[-1]))
    for name, values in fields.items():
        if name.startswith(f"{FIELD}[") and name.endswith("]"):
            given[name[len(FIELD) + 1 : -1]] = values[-1]
    kind = given.get("type")
    if kind not in (None, "", *TYPES):
        raise not_one_of(FIELD, str(kind), TYPES)
    return Vad(
        threshold=_number(given, "threshold", DEFAULT.threshold, 1),
        padding_ms=round(_number(given, "prefix_padding_ms", DEFAULT.padding_ms, MAX_MILLISECONDS)),
        silence_ms=round(
            _number(given, "silence_duration_ms", DEFAULT.silence_ms, MAX_MILLISECONDS)
        ),
    )


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _object(value: object) -> dict[str, Any]:
    return {**value} if isinstance(value, dict) else {"type": value}


def _number(given: Mapping[str, Any], name: str, default: float, high: int) -> float:
    value = given.get(name)
    if value in (None, ""):
        return default
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= high:  # NaN too
        message = f"`{FIELD}[{name}]` is {quoted(str(value))}, but must be from 0 to {high}."
        raise invalid(FIELD, message)
    return number
