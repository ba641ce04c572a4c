import pytest
from whisper_proxy.subtitles import srt, timestamp, vtt
from whisper_proxy.transcript import Segment, Transcript

from .recorded import recorded_transcript

ODD = Transcript(
    (
        Segment(" a --> b", 0.0, 1.0),
        Segment("", 1.0, 2.0),
        Segment(" ", 2.0, 3.0),
        Segment(" c\n\n d\r\n\r\n1\u2028e ---> f", 3.0, 4.5),
    )
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00:00,000"),
        (8.0, "00:00:08,000"),
        (59.9996, "00:01:00,000"),
        (3661.07, "01:01:01,070"),
        (360000, "100:00:00,000"),
    ],
)
def test_timestamps(seconds: float, text: str) -> None:
    assert timestamp(seconds, ",") == text


def test_srt() -> None:
    assert srt(recorded_transcript("v1.9.1-speech")) == (
        "1\n00:00:00,000 --> 00:00:08,000\n"
        "And so my fellow Americans ask not what your country can do for you\n\n"
        "2\n00:00:08,000 --> 00:00:11,000\n"
        "ask what you can do for your country.\n\n"
    )


def test_vtt() -> None:
    assert vtt(recorded_transcript("v1.9.1-speech")) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:08.000\n"
        "And so my fellow Americans ask not what your country can do for you\n\n"
        "00:00:08.000 --> 00:00:11.000\n"
        "ask what you can do for your country.\n\n"
    )


def test_no_words_are_no_cue_and_no_word_ends_one() -> None:
    assert srt(ODD) == (
        "1\n00:00:00,000 --> 00:00:01,000\na -> b\n\n"
        "2\n00:00:03,000 --> 00:00:04,500\nc d 1 e -> f\n\n"
    )


def test_silence() -> None:
    assert srt(Transcript()) == ""
    assert vtt(Transcript()) == "WEBVTT\n\n"


def test_many_dashes_take_no_time() -> None:
    assert "->" in srt(Transcript((Segment("-" * 500_000 + "x" + "-" * 500_000 + ">"),)))
