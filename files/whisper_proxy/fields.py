"""Validates the text fields of a request.

whisper-server answers some invalid values with garbage or a 500, so it never gets to see them.
What OpenAI ignores is ignored, and so is what the format of the answer has no place for. What would
be missed in the answer is refused instead.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from . import languages
from .errors import ApiError, invalid, not_one_of, quoted
from .prompt import prompt
from .vad import DEFAULT, Vad
from .vad import parse as parse_vad

Form = Mapping[str, Sequence[str]]

FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
STREAMED_FORMATS = ("json", "text")  # events carry no timestamps
SUBTITLES = ("srt", "vtt")  # their times are those of segments
GRANULARITIES = ("word", "segment")
INCLUDABLE = ("logprobs",)
# In every spelling that OpenAI takes, which are those of pydantic.
BOOLEANS = dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True)
BOOLEANS |= dict.fromkeys(("false", "0", "no", "off", "f", "n", ""), False)
# Every field that is read. A part of another name is skipped, whatever it holds.
FIELDS = frozenset(
    {
        "chunking_strategy",
        "include",
        "keywords",
        "known_speaker_names",
        "language",
        "languages",
        "model",
        "prompt",
        "response_format",
        "stream",
        "temperature",
        "timestamp_granularities",
    }
)
NAME = re.compile(r"([a-z_]+)(\[\w{0,30}\])?")
# What JavaScript and Python put into a form for a value that is not there.
NOTHING = {"", "null", "undefined", "None"}
INDEX = re.compile(r"\[\d*\]$")


@dataclass(frozen=True)
class TranscriptionRequest:
    """A validated request: the parameters for whisper-server and the format of the response.

    language: one of Whisper's codes, or "auto". temperature: 0 to 1. translate: into English.
    granularities: for verbose_json, any of GRANULARITIES. stream: as server-sent events. logprobs:
    with the probability of each token. model: the name that the client gave, in lower case. vad:
    what counts as speech.
    """

    language: str
    prompt: str
    temperature: float
    response_format: str
    granularities: tuple[str, ...] = ("segment",)
    stream: bool = False
    translate: bool = False
    logprobs: bool = False
    model: str = ""
    vad: Vad = DEFAULT

    @property
    def words(self) -> bool:
        """Whether word timestamps are requested, which need token timestamps of whisper-server."""
        return "word" in self.granularities


def is_read(name: str) -> bool:
    """Return whether a part of this name is read, such as `prompt` or `languages[0]`."""
    match = NAME.fullmatch(name)
    return match is not None and match[1] in FIELDS


def parse(
    form: Form, *, english_only: bool, cantonese: bool = True, translate: bool = False
) -> TranscriptionRequest:
    """Return the validated request, or raise ApiError.

    `form` maps each name to all its values; of a field that is no list, the last that is not empty
    counts. A list may be sent in one part or several, named with `[]`, with an index or with
    neither. Unknown fields are ignored, as is `language` in a translation. `model` may be anything,
    since only one model is served: `english_only` and `cantonese` say what that one knows.
    """
    fields = _by_name(form)
    _refuse_unsupported(fields)
    response_format = _response_format(_last(fields, "response_format"))
    if translate:
        language = _any_language(english_only)
    else:
        language = _language(fields, english_only, cantonese)
    return TranscriptionRequest(
        language=language,
        prompt=prompt(_items(fields, "keywords"), _last(fields, "prompt")),
        temperature=_temperature(_last(fields, "temperature")),
        response_format=response_format,
        granularities=_granularities(fields, response_format),
        stream=_stream(_last(fields, "stream"), response_format),
        translate=translate,
        logprobs="logprobs" in _chosen(fields, "include", INCLUDABLE),
        model=_model(_last(fields, "model")),
        vad=parse_vad(fields),
    )


def _by_name(form: Form) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, values in form.items():
        given = [value for value in values if value.strip() not in NOTHING]
        fields.setdefault(INDEX.sub("", name), []).extend(given or [""])
    return fields


def _items(fields: Form, name: str) -> list[str]:
    """Return the items of a list, of which one part may hold several: `a,b` or `["a", "b"]`."""
    items = (item.strip() for text in fields.get(name, []) for item in _split(text.strip()))
    return list(filter(None, items))


def _split(text: str) -> list[str]:
    with suppress(ValueError, RecursionError):
        decoded = json.loads(text)
        if isinstance(decoded, list):
            return list(map(str, decoded))
    # Python's str() of a list is not JSON.
    return [item.strip(" '") for item in text.removeprefix("[").removesuffix("]").split(",")]


def _chosen(fields: Form, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """Return the items of a list without duplicates, or raise ApiError if one is not allowed."""
    items = tuple(dict.fromkeys(item.lower() for item in _items(fields, name)))
    for item in items:
        if item not in allowed:
            raise not_one_of(name, item, allowed)
    return items


def _last(fields: Form, name: str) -> str:
    return next(filter(str.strip, reversed(fields.get(name, []))), "")


def _refuse_unsupported(fields: Form) -> None:
    if any(fields.get("known_speaker_names", [])):
        message = "`known_speaker_names` is not supported: speakers are not told apart."
        raise invalid("known_speaker_names", message, "unsupported_value")


def _model(text: str) -> str:
    return text.strip().lower().rpartition("/")[2]  # as in openai/gpt-4o-transcribe


def _response_format(given: str) -> str:
    text = given.strip().lower()
    if text == "diarized_json":
        message = "`diarized_json` is not supported: speakers are not told apart."
        raise invalid("response_format", message, "unsupported_value")
    if text and text not in FORMATS:
        raise not_one_of("response_format", given, FORMATS)
    return text or "json"


def _granularities(fields: Form, response_format: str) -> tuple[str, ...]:
    values = _chosen(fields, "timestamp_granularities", GRANULARITIES)
    if "word" in values and response_format in SUBTITLES:
        message = "Times of words need `response_format` to be verbose_json."
        raise invalid("timestamp_granularities", message)
    return (values if response_format == "verbose_json" else ()) or ("segment",)


def _stream(text: str, response_format: str) -> bool:
    stream = BOOLEANS.get(text.strip().lower())
    if stream is None:
        raise not_one_of("stream", text, ("true", "false"))
    if stream and response_format not in STREAMED_FORMATS:
        known = " or ".join(STREAMED_FORMATS)
        raise invalid("stream", f"`stream` needs `response_format` to be {known}.")
    return stream


def _temperature(text: str) -> float:
    try:
        value = float(text.strip() or 0)
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


def _language(fields: Form, english_only: bool, cantonese: bool) -> str:
    given = _last(fields, "language").strip()
    codes = set(map(_code, [given] if given else _items(fields, "languages")))
    if english_only:
        return _english(codes)
    if len(codes) != 1:
        return languages.AUTO  # Whisper takes one language, or detects it among all
    code = codes.pop()
    return "zh" if code == "yue" and not cantonese else code


def _code(text: str) -> str:
    code = languages.find(text)
    if code is None:
        raise invalid(
            "language",
            f"`language` is {quoted(text)}, which Whisper does not know. Send a code such as 'en', "
            "an English name such as 'german', or 'auto'.",
        )
    return code


def _english(codes: set[str]) -> str:
    if codes and not codes & {languages.AUTO, "en"}:
        name = languages.LANGUAGES[min(codes)].title()
        raise invalid(
            "language",
            f"The served model is English-only and cannot transcribe {name}.",
        )
    return "en"
