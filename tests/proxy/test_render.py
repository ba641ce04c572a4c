import json
from dataclasses import replace

import pytest
from whisper_proxy.fields import FORMATS, TranscriptionRequest
from whisper_proxy.render import render
from whisper_proxy.transcript import Segment, Transcript

REQUEST = TranscriptionRequest("de", "", 0.0, "json")
GREETINGS = Transcript((Segment(" Schöne", 0, 1), Segment(" Grüße", 1, 2)), "german", 1.5)
TYPES = {
    "json": "application/json",
    "text": "text/plain",
    "srt": "text/plain",
    "vtt": "text/vtt",
    "verbose_json": "application/json",
}


def test_every_format_has_its_type() -> None:
    for name in FORMATS:
        answer = render(GREETINGS, replace(REQUEST, response_format=name))
        assert answer.content_type == TYPES[name]
        assert "Schöne" in answer.text


def test_json() -> None:
    assert render(GREETINGS, REQUEST).text == (
        '{"text": "Schöne Grüße", "usage": {"type": "duration", "seconds": 2}}'
    )


def test_text_is_the_words_and_a_newline() -> None:
    assert render(GREETINGS, replace(REQUEST, response_format="text")).text == "Schöne Grüße\n"


def test_subtitles() -> None:
    assert render(GREETINGS, replace(REQUEST, response_format="srt")).text.startswith(
        "1\n00:00:00,"
    )
    assert render(GREETINGS, replace(REQUEST, response_format="vtt")).text.startswith("WEBVTT\n\n0")


def test_verbose_json() -> None:
    body = json.loads(render(GREETINGS, replace(REQUEST, response_format="verbose_json")).text)
    assert (body["language"], len(body["segments"])) == ("german", 2)


@pytest.mark.parametrize("name", ["json", "text"])
def test_a_stream(name: str) -> None:
    answer = render(GREETINGS, replace(REQUEST, response_format=name, stream=True))
    assert answer.content_type == "text/event-stream"
    assert answer.text.startswith("data: {")


@pytest.mark.parametrize(("name", "text"), [("json", '{"text": ""'), ("text", "\n"), ("srt", "")])
def test_silence_is_no_words(name: str, text: str) -> None:
    assert render(Transcript(), replace(REQUEST, response_format=name)).text.startswith(text)
