"""Validates the text fields of a request.

whisper-server answers some invalid values with garbage or a 500, so it never gets to see them.
Options that it cannot fulfil are refused instead of ignored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import languages
from .errors import ApiError, invalid, quoted
from .prompt import prompt

Form = Mapping[str, Sequence[str]]

FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
STREAMED_FORMATS = ("json", "text")  # events carry no timestamps
GRANULARITIES = ("word", "segment")
BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}
# Accepted without effect: Whisper processes 30 s at a time and splits by its own timestamps.
CHUNKING_STRATEGIES = ("auto", "server_vad")
UNSUPPORTED = {
    "include": "`include` is not supported: there are no log probabilities to send.",
    "known_speaker_names": "`known_speaker_names` is not supported: speakers are not told apart.",
    "known_speaker_references": (
        "`known_speaker_references` is not supported: speakers are not told apart."
    ),
}


@dataclass(frozen=True)
class TranscriptionRequest:
    """A validated request: the parameters for whisper-server and the format of the response.

    language: one of Whisper's codes, or "auto". temperature: 0 to 1. translate: into English.
    granularities: for verbose_json, any of GRANULARITIES. stream: as server-sent events.
    """

    language: str
    prompt: str
    temperature: float
    response_format: str
    granularities: tuple[str, ...] = ("segment",)
    stream: bool = False
    translate: bool = False

    @property
    def words(self) -> bool:
        """Whether word timestamps are requested, which need token timestamps of whisper-server."""
        return "word" in self.granularities


def parse(form: Form, *, english_only: bool, translate: bool = False) -> TranscriptionRequest:
    """Return the validated request, or raise ApiError.

    `form` maps each name to all its values; for a field that is not a list, the last one counts.
    A list may be named with or without `[]`. Unknown fields are ignored, as is `language` in a
    translation. `model` may be anything, since only one model is served.
    """
    fields = {name.removesuffix("[]"): values for name, values in form.items()}
    _refuse_unsupported(fields)
    response_format = _response_format(_last(fields, "response_format"))
    return TranscriptionRequest(
        language=_any_language(english_only) if translate else _language(fields, english_only),
        prompt=prompt(fields.get("keywords", []), _last(fields, "prompt")),
        temperature=_temperature(_last(fields, "temperature")),
        response_format=response_format,
        granularities=_granularities(fields, response_format),
        stream=_stream(_last(fields, "stream"), response_format),
        translate=translate,
    )


def _last(fields: Form, name: str) -> str:
    return fields.get(name, [""])[-1]


def _refuse_unsupported(fields: Form) -> None:
    for name, message in UNSUPPORTED.items():
        if any(fields.get(name, [])):
            raise invalid(name, message, "unsupported_value")
    strategy = _last(fields, "chunking_strategy") or _last(fields, "chunking_strategy[type]")
    if strategy and strategy not in CHUNKING_STRATEGIES:
        raise _not_one_of("chunking_strategy", strategy, CHUNKING_STRATEGIES)


def _not_one_of(name: str, text: str, allowed: Sequence[str]) -> ApiError:
    known = ", ".join(allowed)
    return invalid(name, f"`{name}` is {quoted(text)}, but must be one of: {known}.")


def _response_format(text: str) -> str:
    if text == "diarized_json":
        message = "`diarized_json` is not supported: speakers are not told apart."
        raise invalid("response_format", message, "unsupported_value")
    if text and text not in FORMATS:
        raise _not_one_of("response_format", text, FORMATS)
    return text or "json"


def _granularities(fields: Form, response_format: str) -> tuple[str, ...]:
    values = tuple(filter(None, fields.get("timestamp_granularities", [])))
    for value in values:
        if value not in GRANULARITIES:
            raise _not_one_of("timestamp_granularities", value, GRANULARITIES)
    if values and response_format != "verbose_json":
        message = "`timestamp_granularities` needs `response_format` to be verbose_json."
        raise invalid("timestamp_granularities", message)
    return values or ("segment",)


def _stream(text: str, response_format: str) -> bool:
    stream = BOOLEANS.get(text.strip().lower())
    if stream is None:
        raise _not_one_of("stream", text, ("true", "false"))
    if stream and response_format not in STREAMED_FORMATS:
        known = " or ".join(STREAMED_FORMATS)
        raise invalid("stream", f"`stream` needs `response_format` to be {known}.")
    return stream


def _temperature(text: str) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        raise _bad_temperature(text) from None
    if not 0 <= value <= 1:  # NaN too
        raise _bad_temperature(text)
    return value


def _bad_temperature(text: str) -> ApiError:
    return invalid("temperature", f"`temperature` is {quoted(text)}, but must be from 0 to 1.")


def _any_language(english_only: bool) -> str:
    """Return the source language of a translation, which is always detected."""
    if english_only:
        message = "The served model is English-only and cannot translate."
        raise invalid("model", message, "unsupported_value")
    return languages.AUTO


def _language(fields: Form, english_only: bool) -> str:
    text = _last(fields, "language") or _only_language(fields)
    code = languages.find(text)
    if code is None:
        raise invalid(
            "language",
            f"`language` is {quoted(text)}, which Whisper does not know. Send a code such as 'en', "
            "an English name such as 'german', or 'auto'.",
        )
    return _english(code) if english_only else code


def _only_language(fields: Form) -> str:
    values = fields.get("languages", [""])
    if len(values) > 1:
        message = "Whisper takes one language. Send one, or none to have it detected."
        raise invalid("languages", message, "unsupported_value")
    return values[0]


def _english(code: str) -> str:
    if code not in (languages.AUTO, "en"):
        name = languages.LANGUAGES[code].title()
        raise invalid(
            "language",
            f"The served model is English-only and cannot transcribe {name}.",
        )
    return "en"
