import json
from typing import Any

import pytest
from whisper_proxy.render import FORMATS, Transcript, parse, render

from .fake_whisper import SEGMENTS, TEXT, verbose_json

JOINED = [
    (SEGMENTS, TEXT),
    ([" Hello."], "Hello."),
    ([" One.", " Two."], "One. Two."),
    (["你好", "世界"], "你好世界"),
    ([], ""),
    ([""], ""),
    ([" "], ""),
]
NO_TRANSCRIPT: list[Any] = [
    None,
    [],
    "text",
    {},
    {"text": "Hello."},
    {"segments": None},
    {"segments": [{}]},
    {"segments": [{"text": None}]},
    {"segments": "abc"},
]


@pytest.mark.parametrize(("texts", "joined"), JOINED)
def test_segments_are_joined_by_nothing(texts: list[str], joined: str) -> None:
    assert parse(verbose_json(texts)).text == joined


@pytest.mark.parametrize("answer", NO_TRANSCRIPT)
def test_what_is_no_transcript_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match="segment"):
        parse(answer)


def test_json() -> None:
    answer = render(Transcript((" Schöne", " Grüße")), "json")
    assert answer.content_type == "application/json"
    assert answer.text == '{"text": "Schöne Grüße"}'


def test_text_is_the_words_and_a_newline() -> None:
    answer = render(Transcript((" Schöne", " Grüße")), "text")
    assert (answer.text, answer.content_type) == ("Schöne Grüße\n", "text/plain")


def test_silence_is_no_words() -> None:
    assert json.loads(render(Transcript(()), "json").text) == {"text": ""}
    assert render(Transcript(()), "text").text == "\n"


def test_the_formats_are_named() -> None:
    assert FORMATS == ("json", "text")
