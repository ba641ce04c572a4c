import pytest
from whisper_proxy.errors import ApiError
from whisper_proxy.fields import TranscriptionRequest, is_read, parse
from whisper_proxy.vad import Vad

VERBOSE = ("response_format", "verbose_json")
REFUSED = [
    ([("response_format", "xml")], "response_format", "json, text, srt, vtt, verbose_json"),
    ([("response_format", "verbose-json")], "response_format", "json, text, srt"),
    ([("response_format", "diarized_json")], "response_format", "speakers are not told apart"),
    ([("temperature", "warm")], "temperature", "from 0 to 1"),
    ([("temperature", "1.01")], "temperature", "from 0 to 1"),
    ([("temperature", "-0.1")], "temperature", "from 0 to 1"),
    ([("temperature", "nan")], "temperature", "from 0 to 1"),
    ([("temperature", "inf")], "temperature", "from 0 to 1"),
    ([("language", "xx")], "language", "'xx', which Whisper does not know"),
    ([("language", "x" * 5000)], "language", "x…'"),
    ([("languages[]", "xx")], "language", "'xx', which Whisper does not know"),
    ([("languages[]", "de"), ("languages[]", "xx")], "language", "'xx', which Whisper does not"),
    ([("language", "en,de")], "language", "'en,de', which Whisper does not know"),
    ([("stream", "maybe")], "stream", "true, false"),
    ([("stream", "true"), VERBOSE], "stream", "json or text"),
    ([("stream", "true"), ("response_format", "srt")], "stream", "json or text"),
    (
        [("timestamp_granularities[]", "word"), ("response_format", "srt")],
        "timestamp_granularities",
        "verbose_json",
    ),
    ([("timestamp_granularities[]", "line")], "timestamp_granularities", "word, segment"),
    ([("include[]", "[" * 9000)], "include", "logprobs"),
    ([("include[]", '[["logprobs"]]')], "include", "logprobs"),
    ([VERBOSE, ("timestamp_granularities", "{}")], "timestamp_granularities", "word, segment"),
    ([VERBOSE, ("timestamp_granularities[]", "line")], "timestamp_granularities", "word, segment"),
    ([("include[]", "item")], "include", "must be one of: logprobs"),
    ([("temperature", "0,0")], "temperature", "from 0 to 1"),
    ([("known_speaker_names[]", "ada")], "known_speaker_names", "not told apart"),
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
        *("de", "Grüß Gott", 0.25, "verbose_json", ("word", "segment")),
        model="gpt-4o-transcribe",
        vad=Vad(threshold=0.4),
    )
    assert parsed(*fields) == expected
    assert expected.words


def test_empty_fields_are_defaults() -> None:
    names = ("language", "temperature", "response_format", "stream", "include[]", "model")
    lists = ("languages[]", "keywords[]", "timestamp_granularities[]", "chunking_strategy")
    assert parsed(*[(name, "") for name in names + lists]) == parsed()
    assert parsed(*[(name, " ") for name in names + lists[:3]]) == parsed()
    assert parsed(*[(name, "[]") for name in lists[:3]]) == parsed()


def test_of_a_field_sent_twice_the_last_counts() -> None:
    assert parsed(("prompt", "hi"), ("prompt", "ho"), ("prompt", " ")).prompt == "ho"


LISTS: dict[str, list[tuple[str, str]]] = {
    "brackets": [("x[]", "word"), ("x[]", "segment")],
    "bare": [("x", "word"), ("x", "segment")],
    "indexed": [("x[0]", "word"), ("x[1]", "segment")],
    "both names": [("x[]", "word"), ("x", "segment")],
    "JSON": [("x", '["word","segment"]')],
    "JSON in brackets": [("x[]", '[ "word", "segment" ]')],
    "Python": [("x", "['word', 'segment']")],
    "commas": [("x", "word, segment")],
    "capitals": [("x[]", " Word"), ("x[]", "SEGMENT ")],
    "twice": [("x[]", "word"), ("x[]", "segment"), ("x[]", "word")],
    "with an empty one": [("x[]", ""), ("x[]", "word,segment,")],
}


@pytest.mark.parametrize("parts", LISTS.values(), ids=LISTS)
def test_every_spelling_of_a_list(parts: list[tuple[str, str]]) -> None:
    fields = [(name.replace("x", "timestamp_granularities"), value) for name, value in parts]
    assert parsed(VERBOSE, *fields).granularities == ("word", "segment")


@pytest.mark.parametrize(
    "fields",
    [
        [("response_format", "json")],
        [("response_format", "text")],
        [("model", "gpt-4o-transcribe"), ("temperature", "0")],
        [("stream", "true")],
    ],
)
def test_without_a_place_for_times_granularities_are_ignored(
    fields: list[tuple[str, str]],
) -> None:
    granularities = [("timestamp_granularities[]", name) for name in ("word", "segment")]
    assert parsed(*fields, *granularities) == parsed(*fields)


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_subtitles_have_the_times_of_segments(name: str) -> None:
    fields = (("response_format", name), ("timestamp_granularities[]", "segment"))
    assert parsed(*fields).granularities == ("segment",)


@pytest.mark.parametrize("name", ["json", "text", "srt", "vtt", "verbose_json"])
def test_formats(name: str) -> None:
    for text in (name, name.upper(), f" {name}\n"):
        assert parsed(("response_format", text)).response_format == name


@pytest.mark.parametrize(
    ("text", "stream"),
    [("true", True), ("1", True), ("True", True), ("on", True), ("false", False), ("no", False)],
)
def test_streams(text: str, stream: bool) -> None:
    assert parsed(("stream", text)).stream is stream


@pytest.mark.parametrize(("fields", "param", "message"), REFUSED)
def test_refused(fields: list[tuple[str, str]], param: str, message: str) -> None:
    error = failure(*fields)
    assert (error.status, error.param) == (400, param)
    assert message in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize("text", ["0", "1", "0.0", "0.5", "1e-40", " 0.5 ", "-0"])
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


@pytest.mark.parametrize(
    "text",
    [
        '["ROCm","Ryzen AI"]',
        "ROCm, Ryzen AI",
        "['ROCm', 'Ryzen AI']",
        '["RO\\u0043m", "Ryzen AI\\ud83d"]',
    ],
)
def test_keywords_in_one_part(text: str) -> None:
    assert parsed(("keywords", text)).prompt == "ROCm, Ryzen AI"


@pytest.mark.parametrize("name", ["include[]", "include", "include[0]"])
def test_logprobs_are_included(name: str) -> None:
    assert parsed((name, "logprobs")).logprobs
    assert not parsed().logprobs


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ([("languages[]", "de"), ("languages[]", "en")], "auto"),
        ([("languages", '["de","en"]')], "auto"),
        ([("languages[0]", "de"), ("languages[1]", "deu")], "de"),
        ([("languages[]", "de"), ("languages[]", "auto")], "auto"),
    ],
)
def test_several_languages_leave_the_choice_to_whisper(
    fields: list[tuple[str, str]], language: str
) -> None:
    assert parsed(*fields).language == language


@pytest.mark.parametrize("name", ["prompt", "languages[]", "languages[0]", "chunking_strategy[x]"])
def test_fields_that_are_read(name: str) -> None:
    assert is_read(name)


@pytest.mark.parametrize(
    "name",
    [
        "audio_file",
        "",
        "[]",
        "prompts",
        "prompt[",
        "prompt[" + "x" * 99 + "]",
        "known_speaker_references[]",
    ],
)
def test_fields_that_are_not_read(name: str) -> None:
    assert not is_read(name)


def test_one_of_many_languages_is_the_language() -> None:
    assert parsed(("languages[]", "de")).language == "de"
    assert parsed(("languages[]", "de"), ("language", "fr")).language == "fr"


@pytest.mark.parametrize("language", ["", "auto", "en", "en-GB", "English"])
def test_an_english_only_model_is_told_english(language: str) -> None:
    assert parse(form(("language", language)), english_only=True).language == "en"


@pytest.mark.parametrize("languages", [("de", "en"), ("auto", "de"), ("en", "en")])
def test_an_english_only_model_is_told_english_if_it_may_be(languages: tuple[str, str]) -> None:
    fields = [("languages[]", language) for language in languages]
    assert parse(form(*fields), english_only=True).language == "en"


def test_an_english_only_model_refuses_a_choice_without_english() -> None:
    error = failure(("languages[]", "fr"), ("languages[]", "de"), english_only=True)
    assert error.message == "The served model is English-only and cannot transcribe German."


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


@pytest.mark.parametrize("name", ["whisper-1", "Whisper-1 ", "openai/whisper-1"])
def test_the_name_of_the_model(name: str) -> None:
    assert parsed(("model", name)).model == "whisper-1"


@pytest.mark.parametrize(("cantonese", "code"), [(True, "yue"), (False, "zh")])
def test_cantonese_is_chinese_to_a_model_that_does_not_know_it(cantonese: bool, code: str) -> None:
    request = parse(form(("language", "zh-yue")), english_only=False, cantonese=cantonese)
    assert request.language == code


@pytest.mark.parametrize("nothing", ["", " ", "null", "undefined", "None"])
@pytest.mark.parametrize(
    "name", ["language", "temperature", "response_format", "stream", "chunking_strategy", "prompt"]
)
def test_what_is_not_there_is_not_sent(name: str, nothing: str) -> None:
    assert parsed((name, nothing)) == parsed()
