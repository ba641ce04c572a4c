import json
import math
from dataclasses import replace

import pytest
from whisper_proxy.details import details, logprobs, seconds
from whisper_proxy.fields import TranscriptionRequest
from whisper_proxy.transcript import Piece, Segment, Transcript

from .recorded import recorded_transcript

REQUEST = TranscriptionRequest("en", "", 0.0, "json")


def of_model(model: str, transcript: Transcript | None = None) -> dict[str, object]:
    transcript = transcript or recorded_transcript("v1.9.1-speech")
    return details(transcript, replace(REQUEST, model=model))


@pytest.mark.parametrize("name", ["v1.9.1-speech", "v1.9.1-quotes", "v1.7.5-speech"])
def test_the_tokens_of_a_real_answer_join_to_its_text(name: str) -> None:
    transcript = recorded_transcript(name)
    found = logprobs(transcript.segments)
    assert "".join(one["token"] for one in found).strip() == transcript.text
    assert all(one["logprob"] <= 0 for one in found)


def test_a_token() -> None:
    piece = Piece(" ö", 0, 1, 0.5)
    assert logprobs([Segment(" ö", pieces=(piece,))]) == [
        {"token": " ö", "logprob": math.log(0.5), "bytes": [32, 195, 182]}
    ]


@pytest.mark.parametrize("probability", [0.0, -1.0, 1e-300, 2.0])
def test_any_probability_is_json(probability: float) -> None:
    (one,) = logprobs([Segment("a", pieces=(Piece("a", 0, 1, probability),))])
    assert -100 < one["logprob"] <= 0
    assert json.dumps(one, allow_nan=False)


def test_a_split_character_is_one_token() -> None:
    pieces = (Piece(" \ufffd", 0, 1, 0.5), Piece("\ufffd", 1, 2, 1.0), Piece(" la", 2, 3))
    (one,) = logprobs([Segment(" ♪ la", pieces=pieces)])  # the last has no probability
    assert (one["token"], one["logprob"]) == (" ♪", math.log(0.5))


@pytest.mark.parametrize("model", ["", "whisper-1", "small", "gpt-transcribe"])
def test_usage_in_seconds(model: str) -> None:
    assert of_model(model)["usage"] == {"type": "duration", "seconds": 11}


@pytest.mark.parametrize(
    "model", ["gpt-4o-transcribe", "gpt-4o-mini-transcribe-2025-03-20", "gpt-4o-transcribe-diarize"]
)
def test_usage_in_tokens(model: str) -> None:
    assert of_model(model)["usage"] == {
        "type": "tokens",
        "input_tokens": 110,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 110},
        "output_tokens": 23,
        "total_tokens": 133,
    }


@pytest.mark.parametrize(("duration", "whole"), [(0.0, 0), (0.1, 1), (11.0, 11), (11.01, 12)])
def test_seconds_are_whole(duration: float, whole: int) -> None:
    assert seconds(Transcript(duration=duration))["seconds"] == whole


@pytest.mark.parametrize(
    ("language", "text", "codes"),
    [("haitian creole", "a", ["ht"]), ("german", "", []), ("", "a", []), ("klingon", "a", [])],
)
def test_languages(language: str, text: str, codes: list[str]) -> None:
    transcript = Transcript((Segment(text),), language)
    found = of_model("gpt-transcribe", transcript)
    assert found["languages"] == [{"code": code} for code in codes]
