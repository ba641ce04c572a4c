from dataclasses import replace

import pytest
from whisper_proxy.fields import TranscriptionRequest
from whisper_proxy.transcript import Segment, Transcript
from whisper_proxy.verbose import compression_ratio, verbose_json

from .recorded import recorded_transcript

REQUEST = TranscriptionRequest("en", "", 0.0, "verbose_json")


def seeks(*times: tuple[float, float]) -> list[int]:
    segments = tuple(Segment(" a", start, end) for start, end in times)
    body = verbose_json(Transcript(segments), REQUEST)
    return [segment["seek"] for segment in body["segments"]]


def test_a_real_answer() -> None:
    body = verbose_json(recorded_transcript("v1.9.1-speech"), REQUEST)
    assert list(body) == ["task", "language", "duration", "text", "segments", "usage"]
    assert (body["task"], body["language"], body["duration"]) == ("transcribe", "english", 11.0)
    assert body["segments"][1] == {
        "id": 1,
        "seek": 0,
        "start": 8.0,
        "end": 11.0,
        "text": " ask what you can do for your country.",
        "tokens": (1265, 644, 345, 460, 466, 329, 534, 1499, 13),
        "temperature": 0.0,
        "avg_logprob": -0.0736246109008789,
        "compression_ratio": pytest.approx(1.3636, abs=1e-4),
        "no_speech_prob": 0.034435488283634186,
    }
    assert body["usage"] == {"type": "duration", "seconds": 11}


@pytest.mark.parametrize(
    ("granularities", "lists"),
    [
        (("segment",), {"segments"}),
        (("word",), {"words"}),
        (("word", "segment"), {"words", "segments"}),
    ],
)
def test_granularities(granularities: tuple[str, ...], lists: set[str]) -> None:
    body = verbose_json(
        recorded_transcript("v1.9.1-speech"), replace(REQUEST, granularities=granularities)
    )
    assert body.keys() & {"segments", "words"} == lists


def test_words() -> None:
    body = verbose_json(
        recorded_transcript("v1.9.1-speech"), replace(REQUEST, granularities=("word",))
    )
    assert len(body["words"]) == 22
    assert body["words"][-1] == {"word": "country.", "start": 10.1, "end": 11.0}


def test_a_translation_is_english() -> None:
    german = Transcript((Segment(" Hello."),), "german", 1.0)
    body = verbose_json(german, replace(REQUEST, translate=True))
    assert (body["task"], body["language"]) == ("translate", "english")


def test_silence() -> None:
    body = verbose_json(
        recorded_transcript("v1.9.1-silence"), replace(REQUEST, granularities=("word", "segment"))
    )
    assert (body["text"], body["segments"], body["words"]) == ("", [], [])
    assert body["usage"]["seconds"] == 1


def test_a_window_begins_where_the_last_one_ended() -> None:
    body = verbose_json(recorded_transcript("v1.9.1-long"), REQUEST)
    assert [segment["seek"] for segment in body["segments"]] == [0] * 5 + [2900] * 3
    ratios = [segment["compression_ratio"] for segment in body["segments"]]
    assert len(set(ratios)) == 2  # one a window
    assert ratios[0] > 2.4  # two and a half times the same


def test_windows() -> None:
    assert seeks() == []
    assert seeks((0, 30)) == [0]
    assert seeks((0, 30), (30, 60), (60, 90)) == [0, 3000, 6000]
    assert seeks((0, 28.5), (28.5, 31)) == [0, 2850]


@pytest.mark.parametrize(
    ("text", "ratio"), [("", 0.0), ("a", 1 / 9), ("é", 2 / 10), ("la " * 100, 300 / 15)]
)
def test_the_compression_ratio_is_that_of_openais_whisper(text: str, ratio: float) -> None:
    assert compression_ratio(text) == pytest.approx(ratio, rel=0.1)


def test_logprobs() -> None:
    body = verbose_json(recorded_transcript("v1.9.1-speech"), replace(REQUEST, logprobs=True))
    assert len(body["logprobs"]) == 23
