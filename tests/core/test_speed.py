"""How fast a build is, and which way is faster."""

import pytest

from voicemode_whisper.core.speed import Speed, choose_queues, fastest, is_slower

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


ONE = [Speed("-fa", 200, 93, 600, one_queue=True), Speed("-nfa", 200, 93, 620, one_queue=True)]


@pytest.mark.parametrize(
    ("totals", "left_out"),
    [
        ((580, 582, 581), True),  # 5 % less than the 400 ms of work
        ((589, 589, 589), False),  # 3 %, which nobody notices
        ((590, 620, 640), False),
        ((570, 610, 600), False),  # 7.5 % less once, but it varies by 10 %
        ((560, 570, 565), True),
        ((560,), True),
        ((), False),  # it fails without
    ],
)
def test_one_queue_is_left_out_where_it_costs_more_than_rounds_differ(
    totals: tuple[float, ...], left_out: bool
):
    several = [Speed("-fa", 200, 93, total, one_queue=False) for total in totals]
    chosen = choose_queues(ONE, several)
    assert chosen == ([several[0], ONE[1]] if left_out else ONE)
    assert choose_queues([], several) == []


def test_a_speed_from_before_there_was_a_choice_has_none():
    assert Speed.recorded({"flag": "-fa", "load": 1, "encode": 2, "total": 3}).one_queue is None
    assert "one_queue" not in GUIDE.record
    assert [Speed.recorded(speed.record) for speed in ONE] == ONE
