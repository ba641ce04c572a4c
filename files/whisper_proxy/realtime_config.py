"""What a live transcription session is configured to do: OpenAI's session objects.

What OpenAI's transcription sessions have and would be missed here is refused; what only others have
(voices, tools, …) is ignored, as are unknown fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import ApiError, invalid, not_one_of, quoted
from .fields import Form
from .pcm import A_LAW, MU_LAW, PCM, TELEPHONE_RATE, Format
from .turns import TurnDetection

LOGPROBS = "item.input_audio_transcription.logprobs"
TEXTS, LISTS = ("model", "language", "prompt"), ("keywords", "languages")
RATES = (24000, 16000)  # OpenAI's, and Whisper's own
KINDS = (PCM, MU_LAW, A_LAW)
# The names of the beta protocol, in which a session is flat.
BETA_KINDS = {"pcm16": PCM, "g711_ulaw": MU_LAW, "g711_alaw": A_LAW}
MAX_PROMPT_CHARACTERS = 16 * 1024  # of which Whisper reads 224 tokens
MAX_ITEMS = 256  # of a list, as of a form's parts
MAX_MILLISECONDS = 10_000
INPUT = "session.audio.input"
TRANSCRIPTION, TURN_DETECTION = f"{INPUT}.transcription", f"{INPUT}.turn_detection"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Config:
    """How sound comes, where turns end, and what is said of how to transcribe them.

    transcription: OpenAI's object, with the fields of TEXTS and LISTS. turn_detection: None if the
    client commits. logprobs: with the probability of each token.
    """

    format: Format = field(default_factory=Format)
    transcription: Object = field(default_factory=dict)
    turn_detection: TurnDetection | None = field(default_factory=TurnDetection)
    logprobs: bool = False

    @property
    def form(self) -> Form:
        """The fields that a request to transcribe a file would have."""
        said = self.transcription
        form = {name: [said[name]] for name in TEXTS if name in said}
        form |= {f"{name}[]": [*said[name]] for name in LISTS if name in said}
        return form | ({"include[]": ["logprobs"]} if self.logprobs else {})


def updated(config: Config, session: object) -> Config:
    """Return the configuration with what `session` says; what it does not mention stays.

    Raises ApiError 400, whose `param` is the path of the field.
    """
    given = _object(session, "session")
    kind = given.get("type", "transcription")
    if kind != "transcription":
        message = f"`session.type` is {quoted(str(kind))}, but must be transcription: this service "
        raise invalid("session.type", message + "transcribes, and does not answer.")
    sound = _part(_part(given, "audio", "session.audio"), "input", INPUT)
    if "format" in sound:
        config = replace(config, format=_format(sound["format"]))
    if "transcription" in sound:
        config = replace(config, transcription=_transcription(config, sound["transcription"]))
    if "turn_detection" in sound:
        config = replace(config, turn_detection=_turn_detection(config, sound["turn_detection"]))
    if "include" in given:
        config = replace(config, logprobs=LOGPROBS in _included(given["include"]))
    return config


def session_object(config: Config, session_id: str) -> dict[str, Any]:
    """Return the session in OpenAI's form, with what is in effect."""
    return {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "id": session_id,
        "audio": {
            "input": {
                "format": _format_object(config.format),
                "transcription": dict(config.transcription),
                "noise_reduction": None,
                "turn_detection": _turn_detection_object(config.turn_detection),
            }
        },
        "include": [LOGPROBS] if config.logprobs else None,
    }


def from_beta(session: object) -> dict[str, Any]:
    """Return a session of the beta protocol (`transcription_session.update`) in today's form."""
    given = _object(session, "session")
    names = ("transcription", "format")
    sound = {name: given[f"input_audio_{name}"] for name in names if f"input_audio_{name}" in given}
    if "format" in sound:
        kind = sound["format"]
        if not isinstance(kind, str) or kind not in BETA_KINDS:
            raise not_one_of("session.input_audio_format", str(kind), tuple(BETA_KINDS))
        sound["format"] = {"type": BETA_KINDS[kind]}
    if "turn_detection" in given:
        sound["turn_detection"] = given["turn_detection"]
    include = {"include": given["include"]} if "include" in given else {}
    return {"audio": {"input": sound}, **include}


def beta_session_object(config: Config, session_id: str) -> dict[str, Any]:
    """Return the session in the form of the beta protocol."""
    kinds = {kind: name for name, kind in BETA_KINDS.items()}
    return {
        "object": "realtime.transcription_session",
        "id": session_id,
        "input_audio_format": kinds[config.format.kind],
        "input_audio_transcription": dict(config.transcription),
        "input_audio_noise_reduction": None,
        "turn_detection": _turn_detection_object(config.turn_detection),
        "include": [LOGPROBS] if config.logprobs else None,
    }


def _format_object(given: Format) -> dict[str, Any]:
    return {"type": given.kind} | ({"rate": given.rate} if given.kind == PCM else {})


def _turn_detection_object(found: TurnDetection | None) -> dict[str, Any] | None:
    return {"type": "server_vad", **vars(found)} if found else None


def _object(value: object, param: str) -> Object:
    if not isinstance(value, Mapping):
        raise invalid(param, f"`{param}` must be an object.")
    return value


def _part(given: Object, name: str, param: str) -> Object:
    value = given.get(name)
    return {} if value is None else _object(value, param)


def _format(value: object) -> Format:
    given = _object(value, f"{INPUT}.format")
    kind = given.get("type", PCM)
    if kind not in KINDS:
        raise not_one_of(f"{INPUT}.format.type", str(kind), KINDS)
    if kind != PCM:
        return Format(kind, TELEPHONE_RATE)
    rate = given.get("rate", RATES[0])
    if rate not in RATES:
        raise not_one_of(f"{INPUT}.format.rate", str(rate), tuple(map(str, RATES)))
    return Format(PCM, int(rate))


def _transcription(config: Config, value: object) -> Object:
    """Return what is said of how to transcribe; null for a field takes it away."""
    given = _object(value, TRANSCRIPTION)
    checked: dict[str, str | list[str]] = {}
    checked |= {name: _text(given, name) for name in TEXTS if name in given}
    checked |= {name: _list(given, name) for name in LISTS if name in given}
    merged = {**config.transcription, **checked}
    return {name: value for name, value in merged.items() if value}


def _text(given: Object, name: str) -> str:
    value = given[name]
    if value is not None and not isinstance(value, str):
        raise invalid(f"{TRANSCRIPTION}.{name}", f"`{TRANSCRIPTION}.{name}` must be a text.")
    return _encodable(_short(value or "", name))


def _list(given: Object, name: str) -> list[str]:
    value = [] if given[name] is None else given[name]
    texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if not texts or len(value) > MAX_ITEMS:
        message = f"`{TRANSCRIPTION}.{name}` must be a list of up to {MAX_ITEMS} texts."
        raise invalid(f"{TRANSCRIPTION}.{name}", message)
    _short("".join(value), name)
    return list(map(_encodable, value))


def _encodable(text: str) -> str:
    """Return a text without halves of pairs, which JSON may escape and UTF-8 does not have."""
    return text.encode(errors="ignore").decode()


def _short(text: str, name: str) -> str:
    if len(text) > MAX_PROMPT_CHARACTERS:
        limit = f"{MAX_PROMPT_CHARACTERS} characters"
        message = f"`{TRANSCRIPTION}.{name}` is longer than {limit}."
        raise invalid(f"{TRANSCRIPTION}.{name}", message)
    return text


def _turn_detection(config: Config, value: object) -> TurnDetection | None:
    if value is None:
        return None
    given = _object(value, TURN_DETECTION)
    kind = given.get("type", "server_vad")
    if kind != "server_vad":
        message = f"`{TURN_DETECTION}.type` is {quoted(str(kind))}, but must be server_vad, or "
        raise invalid(f"{TURN_DETECTION}.type", message + "`turn_detection` null.")
    before = config.turn_detection or TurnDetection()
    return TurnDetection(
        threshold=_number(given, "threshold", before.threshold, 1),
        prefix_padding_ms=round(_milliseconds(given, "prefix_padding_ms", before)),
        silence_duration_ms=round(_milliseconds(given, "silence_duration_ms", before)),
    )


def _milliseconds(given: Object, name: str, before: TurnDetection) -> float:
    return _number(given, name, getattr(before, name), MAX_MILLISECONDS)


def _number(given: Object, name: str, default: float, high: int) -> float:
    value = given.get(name)
    if value is None:
        return default
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not number or not 0 <= value <= high:  # NaN too
        param = f"{TURN_DETECTION}.{name}"
        raise invalid(param, f"`{param}` is {quoted(str(value))}, but must be from 0 to {high}.")
    return float(value)


def _included(value: object) -> list[str]:
    names = [] if value is None else value
    if not isinstance(names, list):
        raise invalid("session.include", "`session.include` must be a list.")
    for name in names:
        if name != LOGPROBS:
            raise not_one_of("session.include", str(name), (LOGPROBS,))
    return names


def within(error: ApiError) -> ApiError:
    """Return an error of a form's field as one of the session's field that it came from."""
    if error.param not in (*TEXTS, *LISTS):
        return error
    param = f"{TRANSCRIPTION}.{error.param}"
    message = error.message.replace(f"`{error.param}`", f"`{param}`")
    return ApiError(error.status, message, param=param, code=error.code)
