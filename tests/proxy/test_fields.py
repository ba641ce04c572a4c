import pytest
from whisper_proxy.errors import ApiError
from whisper_proxy.fields import TranscriptionRequest, parse
from whisper_proxy.vad import Vad

VERBOSE = ("response_format", "verbose_json")
REFUSED = [
    ([("response_format", "JSON")], "response_format", "json, text, srt, vtt, verbose_json"),
    ([("response_format", "diarized_json")], "response_format", "speakers are not told apart"),
    ([("temperature", "warm")], "temperature", "from 0 to 1"),
    ([("temperature", "1.01")], "temperature", "from 0 to 1"),
    ([("temperature", "-0.1")], "temperature", "from 0 to 1"),
    ([("temperature", "nan")], "temperature", "from 0 to 1"),
    ([("temperature", "inf")], "temperature", "from 0 to 1"),
    ([("language", "xx")], "language", "'xx', which Whisper does not know"),
    ([("language", "x" * 5000)], "language", "x…'"),
    ([("languages[]", "xx")], "language", "'xx', which Whisper does not know"),
    ([("languages[]", "de"), ("languages[]", "en")], "languages", "takes one language"),
    ([("stream", "maybe")], "stream", "true, false"),
    ([("stream", "true"), VERBOSE], "stream", "json or text"),
    ([("stream", "true"), ("response_format", "srt")], "stream", "json or text"),
    ([("timestamp_granularities[]", "word")], "timestamp_granularities", "verbose_json"),
    ([VERBOSE, ("timestamp_granularities[]", "line")], "timestamp_granularities", "word, segment"),
    ([("include[]", "logprobs")], "include", "no log probabilities"),
    ([("known_speaker_names[]", "ada")], "known_speaker_names", "not told apart"),
    ([("known_speaker_references[]", "data:")], "known_speaker_references", "not told apart"),
    ([("chunking_strategy", "mine")], "chunking_strategy", "auto, server_vad"),
    ([("chunking_strategy[type]", "mine")], "chunking_strategy", "auto, server_vad"),
    ([("chunking_strategy[threshold]", "2")], "chunking_strategy", "from 0 to 1"),
]


def form(*fields: tuple[str, str]) -> dict[str, list[str]]:
    """Return the fields as `read_form` does."""
    result: dict[str, list[str]] = {}
    for name, value in fields:
        result.setdefault(name, []).append(value)
    return result


def parsed(*fields: tuple[str, str]) -> TranscriptionRequest:
    return parse(form(*fields), english_only=False)


def failure(
    *fields: tuple[str, str], english_only: bool = False, translate: bool = False
) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse(form(*fields), english_only=english_only, translate=translate)
    return caught.value


def test_nothing_is_asked() -> None:
    assert parsed() == TranscriptionRequest("auto", "", 0.0, "json", ("segment",), False, False)
    assert not parsed().words


def test_everything_is_asked() -> None:
    fields = [
        ("model", "gpt-4o-transcribe"),
        ("language", "de-AT"),
        ("prompt", "Grüß Gott"),
        ("temperature", "0.25"),
        ("response_format", "verbose_json"),
        ("stream", "false"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
        ("chunking_strategy[type]", "server_vad"),
        ("chunking_strategy[threshold]", "0.4"),
        ("unheard_of", "x"),
    ]
    expected = TranscriptionRequest(
        "de", "Grüß Gott", 0.25, "verbose_json", ("word", "segment"), vad=Vad(threshold=0.4)
    )
    assert parsed(*fields) == expected
    assert expected.words


def test_empty_fields_are_defaults() -> None:
    names = ("language", "temperature", "response_format", "stream", "include[]")
    lists = ("languages[]", "keywords[]", "timestamp_granularities[]", "chunking_strategy")
    assert parsed(*[(name, "") for name in names + lists]) == parsed()


def test_of_a_field_sent_twice_the_last_counts() -> None:
    assert parsed(("prompt", "hi"), ("prompt", "ho")).prompt == "ho"


def test_a_list_may_be_named_without_brackets() -> None:
    assert parsed(VERBOSE, ("timestamp_granularities", "word")).granularities == ("word",)


@pytest.mark.parametrize("name", ["json", "text", "srt", "vtt", "verbose_json"])
def test_formats(name: str) -> None:
    assert parsed(("response_format", name)).response_format == name


@pytest.mark.parametrize(
    ("text", "stream"), [("true", True), ("1", True), ("True", True), ("false", False)]
)
def test_streams(text: str, stream: bool) -> None:
    assert parsed(("stream", text)).stream is stream


@pytest.mark.parametrize(("fields", "param", "message"), REFUSED)
def test_refused(fields: list[tuple[str, str]], param: str, message: str) -> None:
    error = failure(*fields)
    assert (error.status, error.param) == (400, param)
    assert message in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize("text", ["0", "1", "0.5", "1e-40", " 0.5 "])
def test_temperatures(text: str) -> None:
    assert parsed(("temperature", text)).temperature == float(text)


@pytest.mark.parametrize(
    ("fields", "prompt"),
    [
        ([("keywords[]", "ROCm"), ("keywords[]", "pyinfra")], "ROCm, pyinfra"),
        ([("prompt", "Hello."), ("keywords[]", "ROCm")], "ROCm\nHello."),
    ],
)
def test_keywords_begin_the_prompt(fields: list[tuple[str, str]], prompt: str) -> None:
    assert parsed(*fields).prompt == prompt


def test_one_of_many_languages_is_the_language() -> None:
    assert parsed(("languages[]", "de")).language == "de"
    assert parsed(("languages[]", "de"), ("language", "fr")).language == "fr"


@pytest.mark.parametrize("language", ["", "auto", "en", "en-GB", "English"])
def test_an_english_only_model_is_told_english(language: str) -> None:
    assert parse(form(("language", language)), english_only=True).language == "en"


def test_an_english_only_model_refuses_others() -> None:
    error = failure(("language", "de"), english_only=True)
    assert (error.status, error.param) == (400, "language")
    assert error.message == "The served model is English-only and cannot transcribe German."


def test_a_translation_finds_its_language_itself() -> None:
    translation = parse(form(("language", "en")), english_only=False, translate=True)
    assert (translation.translate, translation.language) == (True, "auto")


def test_an_english_only_model_translates_nothing() -> None:
    error = failure(english_only=True, translate=True)
    assert (error.status, error.param, error.code) == (400, "model", "unsupported_value")
    assert error.message == "The served model is English-only and cannot translate."
