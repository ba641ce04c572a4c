"""How fast a build is, and which way is faster."""

from voicemode_whisper.core.speed import Speed, fastest, is_slower

GUIDE = Speed("-fa", 200, 93, 480)


def test_a_speed_is_told_as_the_guide_tells_it():
    assert GUIDE.label == "480 ms total, 93 ms encode, 22.9x real time"


def test_what_is_fastest_in_service_is_taken():
    assert fastest([GUIDE, Speed("-nfa", 250, 90, 520)]) == Speed("-nfa", 250, 90, 520)
    assert fastest([]) is None


def test_on_a_processor_its_time_counts_which_others_do_not_change():
    disturbed, quiet = Speed("-fa", 1, 2, 8465, processor=2200), Speed("-nfa", 1, 2, 7090, 5000)
    assert fastest([disturbed, quiet]) == disturbed
    assert Speed.recorded(disturbed.record) == disturbed


def test_more_than_a_tenth_is_slower():
    assert not is_slower(Speed("-fa", 200, 93, 508), GUIDE)
    assert is_slower(Speed("-fa", 200, 93, 509), GUIDE)
    assert not is_slower(Speed("-fa", 900, 93, 1100), GUIDE), "loading is not what a server does"


def test_what_was_recorded_is_read_again():
    assert Speed.recorded(GUIDE.record) == GUIDE
    assert GUIDE.flash_attention
    assert not Speed.recorded(Speed("", 1, 2, 3).record).flash_attention
