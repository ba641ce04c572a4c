"""The text fields of a transcription request: checked here, so that whisper-server never sees
a value that it answers with garbage or a 500."""

from collections.abc import Mapping
from dataclasses import dataclass

from . import languages
from .errors import ApiError, invalid, shown
from .render import FORMATS


@dataclass(frozen=True)
class Transcription:
    """What a client wants of its audio.

    language: a code of Whisper's, or "auto". temperature: 0 to 1.
    """

    language: str
    prompt: str
    temperature: float
    response_format: str


def parse(fields: Mapping[str, str], *, english_only: bool) -> Transcription:
    """Return the checked request, or raise ApiError. Fields that are not known are ignored,
    and `model` may be anything: one model is served."""
    _refuse_stream(fields.get("stream", ""))
    return Transcription(
        language=_language(fields.get("language", ""), english_only),
        prompt=fields.get("prompt", ""),
        temperature=_temperature(fields.get("temperature", "")),
        response_format=_response_format(fields.get("response_format", "")),
    )


def _refuse_stream(text: str) -> None:
    # A client that streams takes a plain answer for a stream without words, and says nothing.
    if text.strip().lower() in ("true", "1"):
        raise invalid("stream", "`stream` is not supported.", "unsupported_value")


def _response_format(text: str) -> str:
    if not text:
        return "json"
    if text not in FORMATS:
        known = ", ".join(FORMATS)
        raise invalid(
            "response_format",
            f"`response_format` is {shown(text)}, but must be one of: {known}.",
        )
    return text


def _temperature(text: str) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        raise _bad_temperature(text) from None
    if not 0 <= value <= 1:  # NaN too
        raise _bad_temperature(text)
    return value


def _bad_temperature(text: str) -> ApiError:
    return invalid("temperature", f"`temperature` is {shown(text)}, but must be from 0 to 1.")


def _language(text: str, english_only: bool) -> str:
    code = languages.find(text)
    if code is None:
        raise invalid(
            "language",
            f"`language` is {shown(text)}, which Whisper does not know. Send a code such as 'en', "
            "an English name such as 'german', or 'auto'.",
        )
    return _english(code) if english_only else code


def _english(code: str) -> str:
    if code not in (languages.AUTO, "en"):
        name = languages.LANGUAGES[code].title()
        raise invalid(
            "language",
            f"The served model is English-only and cannot transcribe {name}.",
        )
    return "en"
