import math
from typing import Any

import pytest
from whisper_proxy.transcript import Piece, Segment, Transcript, parse

from .fake_whisper import SEGMENTS, TEXT, verbose_json
from .recorded import recorded, recorded_transcript

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
    {"segments": [None]},
    {"segments": [{"text": None}]},
    {"segments": "abc"},
    {"segments": [{"text": "a", "start": "0"}]},
    {"segments": [{"text": "a", "tokens": ["b"]}]},
    {"segments": [{"text": "a", "words": ["b"]}]},
    {"segments": [{"text": "a", "words": [{"word": 1}]}]},
    {"segments": [], "language": None},
    {"segments": {}},
    {"segments": [], "duration": True},
    {"segments": [], "duration": math.inf},
    {"segments": [], "duration": 10**400},
    {"segments": [{"text": "a", "start": math.nan}]},
    {"segments": [{"text": "a", "end": 1e300}]},
    {"segments": [{"text": "a", "avg_logprob": -math.inf}]},
    {"segments": [{"text": "a", "tokens": 1}]},
    {"segments": [{"text": "a", "tokens": "abc"}]},
    {"segments": [{"text": "a", "tokens": [True]}]},
    {"segments": [{"text": "a", "tokens": [10**400]}]},
    {"segments": [{"text": "a", "words": {"word": "a"}}]},
    {"segments": [{"text": "a", "words": [{"word": "a", "end": math.nan}]}]},
    {"segments": [{"text": "a", "words": [{"word": "a", "probability": "1"}]}]},
]


@pytest.mark.parametrize(("texts", "joined"), JOINED)
def test_segments_are_joined_by_nothing(texts: list[str], joined: str) -> None:
    assert parse(verbose_json(texts)).text == joined


@pytest.mark.parametrize("answer", NO_TRANSCRIPT)
def test_what_is_no_transcript_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match=r"segment|language"):
        parse(answer)


def test_a_real_answer() -> None:
    transcript = recorded_transcript("v1.9.1-speech")
    first, second = transcript.segments
    assert (transcript.language, transcript.duration) == ("english", 11.0)
    assert (first.start, first.end, second.end) == (0.0, 8.0, 11.0)
    assert second.text == " ask what you can do for your country."
    assert second.tokens == (1265, 644, 345, 460, 466, 329, 534, 1499, 13)
    assert first.avg_logprob == pytest.approx(-0.1496, abs=1e-4)
    assert first.no_speech_prob == pytest.approx(0.0344, abs=1e-4)
    assert first.pieces[0] == Piece(" And", 0.32, 0.4, pytest.approx(0.6674, abs=1e-4))
    assert "".join(piece.text for piece in second.pieces) == second.text


def test_silence() -> None:
    assert recorded_transcript("v1.9.1-silence") == Transcript(
        language="english", duration=recorded("v1.9.1-silence")["duration"]
    )


@pytest.mark.parametrize("token", ["[_BEG_]", "[_TT_550]", "<|endoftext|>", " [_EOT_]"])
def test_special_tokens_are_not_words(token: str) -> None:
    words = [{"word": token}, {"word": "[Music]", "start": 1, "end": 2}]
    answer = {"segments": [{"text": "[Music]", "words": words}]}
    assert parse(answer).segments[0].pieces == (Piece("[Music]", 1.0, 2.0),)


def test_null_is_zero() -> None:
    # 0/0, in a segment without tokens.
    answer = {"segments": [{"text": "", "avg_logprob": None}], "language": "German"}
    assert parse(answer) == Transcript((Segment(""),), "german")


def test_null_is_an_empty_list() -> None:
    answer = {"segments": [{"text": "a", "tokens": None, "words": None}], "duration": None}
    assert parse(answer) == Transcript((Segment("a"),))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a\ud83db", "a\ufffdb"),
        ("a\0b\x1b\x7f", "a\ufffdb\ufffd\ufffd"),
        ("a\n\tb\u0085é🎵", "a\n\tb\u0085é🎵"),
    ],
)
def test_what_is_no_character_is_replaced(text: str, result: str) -> None:
    answer = {"segments": [{"text": text, "words": [{"word": text}]}], "language": text}
    transcript = parse(answer)
    assert transcript.segments == (Segment(result, pieces=(Piece(result, 0.0, 0.0),)),)
    assert transcript.language == result.lower()
    assert transcript.text.encode()


def test_no_time_is_negative_or_backwards() -> None:
    segments = [{"text": "a", "start": -5, "end": -1}, {"text": "b", "start": 2, "end": 1}]
    assert parse({"segments": segments, "duration": -3}) == Transcript(
        (Segment("a"), Segment("b", 2.0, 2.0)), duration=0.0
    )
