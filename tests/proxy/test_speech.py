import pytest
from whisper_proxy.speech import only_speech
from whisper_proxy.transcript import Piece, Segment, Transcript
from whisper_proxy.words import Word, words

from .recorded import recorded_transcript


def segment(*texts: str, start: float = 0.0, text: str | None = None) -> Segment:
    """Return a segment with a token a second."""
    pieces = [Piece(one, start + at, start + at + 1) for at, one in enumerate(texts)]
    whole = "".join(texts) if text is None else text
    return Segment(whole, start, start + len(texts), pieces=tuple(pieces))


def spoken(*segments: Segment, duration: float = 60.0) -> Transcript:
    return only_speech(Transcript(segments, "english", duration))


@pytest.mark.parametrize("name", ["v1.9.1-speech", "v1.9.1-quotes", "v1.7.5-speech", "v1.9.1-long"])
def test_what_was_said_stays(name: str) -> None:
    transcript = recorded_transcript(name)
    result = only_speech(transcript)
    assert (result.text, result.language) == (transcript.text, transcript.language)
    assert words(result) == words(transcript)
    assert all(one.end <= transcript.duration for one in result.segments)


def test_a_real_annotation_is_left_out_and_nothing_else() -> None:
    transcript = recorded_transcript("v1.9.1-blank")
    assert transcript.segments[-1].text == " [BLANK_AUDIO]"
    result = only_speech(transcript)
    assert result.segments == transcript.segments[:2]
    assert [word.word for word in words(result)] == result.text.split()


def test_a_segment_that_was_an_annotation_vanishes() -> None:
    result = spoken(segment(" [", "BL", "ANK", "_", "AUDIO", "]"), segment(" Hello.", start=30))
    assert [one.text for one in result.segments] == [" Hello."]
    assert words(result) == [Word("Hello.", 30.0, 31.0)]


def test_the_tokens_of_an_annotation_are_not_words() -> None:
    result = spoken(segment(" [", "Music", "](", "laugh", "s", ")", " Hello", " there."))
    assert result.text == "Hello there."
    assert [word.word for word in words(result)] == ["Hello", "there."]
    assert words(result)[0].start == 6.0


def test_an_annotation_may_go_over_the_border_of_segments() -> None:
    result = spoken(segment(" Hello", " (up", "beat"), segment(" music", ")", " you.", start=3))
    assert result.text == "Hello you."
    assert [word.word for word in words(result)] == ["Hello", "you."]
    assert len(result.segments) == 2


def test_characters_that_were_split_between_tokens_go_too() -> None:
    result = spoken(segment(" \ufffd", "\ufffd", " la", " \ufffd", "\ufffd", text=" ♪ la ♪"))
    assert result == Transcript((), "english", 60.0)


def test_tokens_that_are_not_those_of_the_text_do_no_harm() -> None:
    assert words(spoken(segment(" Other", " tokens", text=" [Music] Hello"))) != []


@pytest.mark.parametrize("texts", [[], [""], [" "], [" [BLANK_AUDIO]", " ♪"], [" ."]])
def test_silence_is_empty(texts: list[str]) -> None:
    result = spoken(*map(segment, texts))
    assert (result.segments, result.text) == ((), "")


def test_nothing_ends_after_the_recording() -> None:
    late = Segment(" Hello", 30.0, 60.0, pieces=(Piece(" Hello", 34.0, 36.0),))
    (one,) = spoken(Segment(" Oh.", 0.0, 40.0), late, duration=35.678).segments[1:]
    assert (one.start, one.end) == (30.0, 35.67)
    assert one.pieces == (Piece(" Hello", 34.0, 35.67),)
    (early,) = spoken(Segment(" Hello", 50.0, 51.0), duration=11.0).segments
    assert (early.start, early.end) == (11.0, 11.0)


def test_times_are_in_order() -> None:
    result = spoken(Segment(" a", 5.0, 9.0), Segment(" b", 3.0, 4.0), Segment(" c", 6.0, 5.0))
    assert [(one.start, one.end) for one in result.segments] == [(5.0, 5.0), (5.0, 5.0), (6.0, 6.0)]
    overlapping = spoken(Segment(" a", 0.0, 4.0), Segment(" b", 3.0, 6.0))
    assert [(one.start, one.end) for one in overlapping.segments] == [(0.0, 3.0), (3.0, 6.0)]


def test_without_a_duration_no_time_is_cut() -> None:
    (one,) = spoken(Segment(" a", 5.0, 9.0), duration=0.0).segments
    assert (one.start, one.end) == (5.0, 9.0)
