"""Where turns begin and end, and which words are sent while they are spoken."""

import pytest
from whisper_proxy.turns import Deltas, TurnDetection, Turns

SPEECH, SILENCE = 0.9, 0.01


def changes(turns: Turns, probabilities: list[float]) -> list[tuple[int, str]]:
    found = ((at, turns.next(one)) for at, one in enumerate(probabilities))
    return [(at, change) for at, change in found if change]


def test_a_turn() -> None:
    turns = Turns(TurnDetection(silence_duration_ms=160))  # five frames
    found = changes(turns, [SILENCE] * 3 + [SPEECH] * 4 + [SILENCE] * 9)
    assert found == [(4, "started"), (11, "stopped")]


def test_a_click_is_none() -> None:
    turns = Turns(TurnDetection())
    assert changes(turns, ([SPEECH] + [SILENCE] * 5) * 20) == []


def test_a_pause_does_not_end_it() -> None:
    turns = Turns(TurnDetection(silence_duration_ms=320))
    assert changes(turns, [SPEECH] * 5 + [SILENCE] * 9 + [SPEECH] + [SILENCE] * 9) == [
        (1, "started")
    ]


def test_what_is_less_sure_goes_on_but_does_not_begin() -> None:
    turns = Turns(TurnDetection(threshold=0.5))
    assert changes(turns, [0.4] * 50) == []
    assert changes(turns, [0.6] * 2 + [0.4] * 50) == [(1, "started")]


@pytest.mark.parametrize("threshold", [0.0, 0.01, 0.1])
def test_a_low_threshold_still_hears_silence(threshold: float) -> None:
    turns = Turns(TurnDetection(threshold=threshold), speaking=True)
    assert changes(turns, [0.0] * 40)[0] == (15, "stopped")


def test_no_silence_at_all_ends_it_with_a_frame() -> None:
    turns = Turns(TurnDetection(silence_duration_ms=0))
    assert changes(turns, [SPEECH] * 3 + [SILENCE]) == [(1, "started"), (3, "stopped")]


def test_a_turn_that_was_begun_otherwise_ends_with_silence() -> None:
    turns = Turns(TurnDetection(), speaking=True)
    assert [change for _, change in changes(turns, [SILENCE] * 30)] == ["stopped"]


class TestDeltas:
    def test_words_are_sent_once_two_transcripts_have_them(self) -> None:
        deltas = Deltas()
        assert deltas.heard("And so") == ""
        assert deltas.heard("And so my fellow") == "And so"
        assert deltas.heard("And so my fellow Americans") == " my fellow"
        assert deltas.final("And so my fellow Americans.") == " Americans."

    def test_the_last_word_waits(self) -> None:
        deltas = Deltas()
        assert deltas.heard("Ask") == ""
        assert deltas.heard("Ask") == ""
        assert deltas.final("Ask") == "Ask"

    def test_case_and_punctuation_do_not_count(self) -> None:
        deltas = Deltas()
        deltas.heard("and so my fellow")
        assert deltas.heard("And so, my fellow Americans") == "And so, my fellow"
        assert deltas.final("And so my fellow Americans!") == " Americans!"

    def test_words_that_change_are_not_sent_before_they_stay(self) -> None:
        deltas = Deltas()
        deltas.heard("I scream you scream")
        assert deltas.heard("Ice cream you scream") == ""
        assert deltas.heard("Ice cream you scream we") == "Ice cream you scream"

    def test_nothing_is_added_to_what_turned_out_wrong(self) -> None:
        deltas = Deltas()
        deltas.heard("I scream you scream we")
        assert deltas.heard("I scream you scream we all") == "I scream you scream we"
        assert deltas.heard("Ice cream you scream we all scream") == ""
        assert deltas.final("Ice cream you scream we all scream.") == ""

    def test_a_shorter_transcript_takes_nothing_back(self) -> None:
        deltas = Deltas()
        deltas.heard("one two three four")
        assert deltas.heard("one two three four five") == "one two three four"
        assert deltas.heard("one two") == ""
        assert deltas.heard("one two three four five six") == ""
        assert deltas.final("one two three four five six") == " five six"

    def test_signs_alone_are_words_too(self) -> None:
        assert Deltas().final("… -") == "… -"

    def test_nothing_said(self) -> None:
        deltas = Deltas()
        assert (deltas.heard(""), deltas.final("")) == ("", "")
