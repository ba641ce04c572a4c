import json
from dataclasses import replace
from typing import Any

import pytest
from whisper_proxy.fields import TranscriptionRequest
from whisper_proxy.stream import events
from whisper_proxy.transcript import Segment, Transcript

from .fake_whisper import SEGMENTS, TEXT
from .recorded import recorded_transcript

REQUEST = TranscriptionRequest("en", "", 0.0, "json")
DONE = "data: [DONE]\n\n"


def sent(*texts: str) -> list[dict[str, Any]]:
    """Return the events of these segments, without the last line."""
    return parsed(events(Transcript(tuple(Segment(text) for text in texts)), REQUEST))


def parsed(stream: str) -> list[dict[str, Any]]:
    assert stream.endswith(DONE)
    lines = stream.removesuffix(DONE).split("\n\n")[:-1]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_the_bytes() -> None:
    assert events(Transcript((Segment(" Grüße."),)), REQUEST) == (
        'data: {"type": "transcript.text.delta", "delta": "Grüße."}\n\n'
        'data: {"type": "transcript.text.done", "text": "Grüße."}\n\n' + DONE
    )


@pytest.mark.parametrize(
    ("texts", "deltas"),
    [
        (SEGMENTS, ["Ask not what your coun", "try can do for you."]),
        ([" One.", " Two. "], ["One.", " Two."]),
        ([" ", "  One.", "", " "], ["One."]),
        ([" a\n", "\nb"], ["a\n", "\nb"]),
        ([], []),
        ([" "], []),
    ],
)
def test_the_deltas_join_to_the_text(texts: list[str], deltas: list[str]) -> None:
    *first, last = sent(*texts)
    assert [event["delta"] for event in first] == deltas
    assert last == {"type": "transcript.text.done", "text": "".join(deltas)}


def test_a_real_answer() -> None:
    assert events(recorded_transcript("v1.9.1-speech"), REQUEST).count("transcript.text.delta") == 2


def test_no_line_is_broken() -> None:
    assert len(sent(" a\r\nb\u2028")) == 2
    assert sent(*SEGMENTS)[-1]["text"] == TEXT


def test_the_logprobs_of_the_deltas_are_those_of_the_text() -> None:
    transcript = recorded_transcript("v1.9.1-speech")
    *deltas, done = parsed(events(transcript, replace(REQUEST, logprobs=True)))
    assert [len(delta["logprobs"]) for delta in deltas] == [14, 9]
    assert [one for delta in deltas for one in delta["logprobs"]] == done["logprobs"]


@pytest.mark.parametrize(
    ("model", "beside"),
    [
        ("whisper-1", set()),
        ("gpt-4o-mini-transcribe", {"usage"}),
        ("gpt-transcribe", {"languages"}),
    ],
)
def test_the_last_event_has_what_openais_has(model: str, beside: set[str]) -> None:
    transcript = recorded_transcript("v1.9.1-speech")
    *_, done = parsed(events(transcript, replace(REQUEST, model=model)))
    assert done.keys() - {"type", "text"} == beside
