import pytest

from bench.quality.espeak import Espeak, EspeakError, word_starts
from tests.clients import installed

TEXT = "The birch canoe slid on the smooth planks.\nIt's easy."


def test_words_begin_where_their_first_characters_are_told_of():
    begun = [(0, 0), (4, 100), (10, 250), (43, 900), (48, 1000)]
    starts = (0.0, 0.1, 0.25, None, None, None, None, None, 0.9, 1.0)
    assert word_starts(TEXT, begun, rate=1000) == starts


def test_a_word_with_a_hyphen_begins_with_its_first_part():
    assert word_starts("ill-disposed men", [(0, 0), (4, 300), (13, 800)], 1000) == (0.0, 0.8)


def test_a_word_that_comes_twice_has_two_places():
    assert word_starts("so so so", [(0, 0), (6, 700)], 1000) == (0.0, None, 0.7)


@pytest.mark.slow
def test_espeak_tells_when_it_says_each_word():
    installed.importable("quality")
    espeak = Espeak()
    spoken = espeak.say("en-us", TEXT)
    known = [start for start in spoken.starts if start is not None]
    assert len(spoken.starts) == len(TEXT.split())
    assert len(known) >= len(TEXT.split()) - 2
    assert known == sorted(known)
    assert known[-1] < len(spoken.pcm) / 2 / spoken.rate < 10
    with pytest.raises(EspeakError, match="no voice nobody"):
        espeak.say("nobody", TEXT)
