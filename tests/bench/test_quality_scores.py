"""With jiwer and the normaliser, which requirements/quality.lock has."""

import pytest
from whisper_proxy.words import Word

from bench.quality.scores import (
    Errors,
    TimeErrors,
    differing,
    normalised,
    start_errors,
    time_errors,
    word_errors,
)
from tests.clients import installed

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, scope="module")
def _quality():
    installed.importable("quality")


def test_spellings_and_sounds_are_no_errors():
    assert (
        normalised("Mr. Smith's colour, [BLANK_AUDIO] (coughs) *sighs*") == "mister smith is color"
    )
    assert word_errors([("He can't; press 1.", "he can not press one")]) == Errors(0, 5)


def test_errors_of_several_transcripts_are_added():
    found = word_errors([("one day we went", "one day he went out"), ("and home", "home")])
    assert found == Errors(3, 6)
    assert found.rate == 0.5


def test_where_nothing_was_heard_every_word_is_missing():
    assert word_errors([("and so", "")]) == Errors(2, 2)


def test_transcripts_differ_by_words():
    assert differing("And so, my fellow", "and so my fellow") == 0
    assert differing("and so my fellow", "and my fellows") == 2
    assert differing("", "thank you") == 2
    assert differing("thank you", "") == 2
    assert differing("[BLANK_AUDIO]", "") == 0


def test_starts_are_those_of_words_that_were_heard():
    said, starts = "It's the birch canoe.", (0.0, None, 0.5, 1.0)
    heard = [Word("It's", 0.1, 0.2), Word("the", 0.2, 0.3), Word("-", 0.3, 0.3)]
    heard += [Word("bird", 0.9, 1.0), Word("canoe.", 0.75, 1.5)]
    assert start_errors(said, starts, heard) == pytest.approx([0.1, 0.25])


def test_the_figures_of_times():
    found = time_errors([0.0, 0.1, 0.2, 0.3, 0.4])
    assert found == TimeErrors(5, 0.2, pytest.approx(0.38))
