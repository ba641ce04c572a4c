import pytest
from whisper_proxy.errors import ApiError
from whisper_proxy.fields import Transcription, parse

REFUSED = [
    ({"response_format": "srt"}, "response_format", "json, text"),
    ({"response_format": "JSON"}, "response_format", "json, text"),
    ({"temperature": "warm"}, "temperature", "from 0 to 1"),
    ({"temperature": "1.01"}, "temperature", "from 0 to 1"),
    ({"temperature": "-0.1"}, "temperature", "from 0 to 1"),
    ({"temperature": "nan"}, "temperature", "from 0 to 1"),
    ({"temperature": "inf"}, "temperature", "from 0 to 1"),
    ({"language": "xx"}, "language", "'xx', which Whisper does not know"),
    ({"language": "x" * 5000}, "language", "x…'"),
    ({"stream": "true"}, "stream", "not supported"),
]


def refusal(fields: dict[str, str], *, english_only: bool = False) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse(fields, english_only=english_only)
    return caught.value


def test_nothing_is_asked() -> None:
    assert parse({}, english_only=False) == Transcription("auto", "", 0.0, "json")


def test_everything_is_asked() -> None:
    fields = {
        "model": "gpt-4o-transcribe",
        "language": "de-AT",
        "prompt": "Grüß Gott",
        "temperature": "0.25",
        "response_format": "text",
        "stream": "false",
        "include[]": "logprobs",
    }
    wanted = Transcription("de", "Grüß Gott", 0.25, "text")
    assert parse(fields, english_only=False) == wanted


def test_empty_fields_are_defaults() -> None:
    fields = {"language": "", "temperature": "", "response_format": "", "stream": ""}
    assert parse(fields, english_only=False) == parse({}, english_only=False)


@pytest.mark.parametrize(("fields", "param", "message"), REFUSED)
def test_refused(fields: dict[str, str], param: str, message: str) -> None:
    error = refusal(fields)
    assert (error.status, error.param) == (400, param)
    assert message in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize("text", ["0", "1", "0.5", "1e-40", " 0.5 "])
def test_temperatures(text: str) -> None:
    assert parse({"temperature": text}, english_only=False).temperature == float(text)


@pytest.mark.parametrize("language", ["", "auto", "en", "en-GB", "English"])
def test_an_english_only_model_is_told_english(language: str) -> None:
    assert parse({"language": language}, english_only=True).language == "en"


def test_an_english_only_model_refuses_others() -> None:
    error = refusal({"language": "de"}, english_only=True)
    assert (error.status, error.param) == (400, "language")
    assert error.message == "The served model is English-only and cannot transcribe German."
