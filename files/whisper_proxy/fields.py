"""The text fields of a request: checked here, so that whisper-server never sees a value that it
answers with garbage or a 500, and nobody is promised what it cannot do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import languages
from .errors import ApiError, invalid, shown

Form = Mapping[str, Sequence[str]]

FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
STREAMED_FORMATS = ("json", "text")  # an event carries no time
GRANULARITIES = ("word", "segment")
BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}
# Whisper hears 30 s at a time and cuts by its own timestamps: neither changes anything.
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
    """What a client wants of its audio: what to send to whisper-server, and what to answer.

    language: a code of Whisper's, or "auto". temperature: 0 to 1. translate: into English.
    granularities: of verbose_json, a choice of GRANULARITIES. stream: as server-sent events.
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
        """Whether words are wanted, for which whisper-server must time its tokens."""
        return "word" in self.granularities


def parse(form: Form, *, english_only: bool, translate: bool = False) -> TranscriptionRequest:
    """Return the checked request, or raise ApiError.

    `form` has every value of a name; of a field that is no list the last counts. A list may be
    named with or without its `[]`. Fields that are not known are ignored, as is `language` in a
    translation, and `model` may be anything: one model is served.
    """
    fields = {name.removesuffix("[]"): values for name, values in form.items()}
    _refuse_unsupported(fields)
    response_format = _response_format(_last(fields, "response_format"))
    return TranscriptionRequest(
        language=_any_language(english_only) if translate else _language(fields, english_only),
        prompt=_prompt(fields),
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
    return invalid(name, f"`{name}` is {shown(text)}, but must be one of: {known}.")


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


def _prompt(fields: Form) -> str:
    # Whisper has no keywords: it takes to the spelling of the words before the audio.
    keywords = ", ".join(filter(None, fields.get("keywords", [])))
    return "\n".join(filter(None, [keywords, _last(fields, "prompt")]))


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


def _any_language(english_only: bool) -> str:
    """Return the language of what is to be translated."""
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
            f"`language` is {shown(text)}, which Whisper does not know. Send a code such as 'en', "
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
