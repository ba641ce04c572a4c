"""What is final, what is sent again and to whom, and for how long."""

import json
import math
from collections.abc import Callable

import pytest
from whisper_proxy.pool import Answer, NoAnswerError
from whisper_proxy.pool_course import FIRST_PAUSE, LONGEST_PAUSE, Course, Final, Go, Wait
from whisper_proxy.pool_stats import Member

MAX_WAIT = 45.0
UP = [Member("m1", "up"), Member("m2", "up"), Member("m3", "up")]
LOST = NoAnswerError("HAProxy answered 502", member="m1", taken=True, sent=True)
NO_TURN = NoAnswerError("HAProxy answered 503")


def answer(status: int, code: str = "", member: str = "m1") -> Answer:
    body = json.dumps({"error": {"code": code}} if code else {"text": "hi"}).encode()
    return Answer(status, {}, body, member)


def lost(member: str) -> NoAnswerError:
    return NoAnswerError("", member=member, taken=True, sent=True)


def nobody(_: str, __: float) -> bool:
    return False


def returned(*names: str) -> Callable[[str, float], bool]:
    return lambda name, _: name in names


@pytest.fixture
def course() -> Course:
    course = Course(MAX_WAIT)
    course.begin(100.0)
    return course


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, ""), (400, "undecodable_audio"), (404, "model_not_found"), (413, "file_too_large"),
     (422, "invalid_value"), (409, "")],
)  # fmt: skip
def test_a_success_and_a_refusal_of_the_recording_are_final(
    course: Course, status: int, code: str
) -> None:
    given = answer(status, code)
    assert course.answered(given, 101.0) is given


@pytest.mark.parametrize("status", [401, 403, 408, 503, 507])
def test_what_is_the_members_own_is_tried_elsewhere(course: Course, status: int) -> None:
    assert course.answered(answer(status), 101.0) is None
    assert course.next(UP, nobody, 101.0) == Go("m2")


def test_where_nobody_else_is_free_haproxy_decides(course: Course) -> None:
    course.answered(answer(503), 101.0)
    busy = [UP[0], Member("m2", "up", running=1), Member("m3", "down")]
    assert course.next(busy, nobody, 101.0) == Go("")


def test_without_a_turn_it_asks_again_and_haproxy_decides(course: Course) -> None:
    course.failed(NO_TURN, 105.0)
    assert course.next(UP, nobody, 105.0) == Go("")


def test_what_fails_at_once_is_tried_less_and_less_often(course: Course) -> None:
    pauses = []
    for _ in range(8):
        course.failed(NO_TURN, 100.0)
        step = course.next(UP, nobody, 100.0)
        assert isinstance(step, Go)
        pauses.append(step.pause)
    assert pauses[:3] == pytest.approx([FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE])
    assert max(pauses) == LONGEST_PAUSE


class TestASecondOpinion:
    @pytest.mark.parametrize(
        ("status", "code"),
        [(422, "audio_crashes_server"), (502, "upstream_error"), (504, "upstream_timeout"),
         (500, "internal"), (501, "ffmpeg_missing")],
    )  # fmt: skip
    def test_is_another_members_and_counts(self, course: Course, status: int, code: str) -> None:
        assert course.answered(answer(status, code), 101.0) is None
        assert course.next(UP, nobody, 101.0) == Go("m2")
        second = answer(status, code, "m2")
        assert course.answered(second, 102.0) is second

    def test_may_be_that_it_can(self, course: Course) -> None:
        course.answered(answer(502), 101.0)
        good = answer(200, member="m2")
        assert course.answered(good, 102.0) is good

    def test_is_waited_for_where_the_others_are_busy(self, course: Course) -> None:
        course.answered(answer(502), 101.0)
        busy = [UP[0], Member("m2", "up", running=1, waiting=2), Member("m3", "up", running=1)]
        assert course.next(busy, nobody, 101.0) == Go("m3")

    def test_is_not_the_same_members(self, course: Course) -> None:
        first = answer(502)
        course.answered(first, 101.0)
        assert course.answered(answer(502), 102.0) is None
        alone = [UP[0], Member("m2", "down"), Member("m3", "drained")]
        assert course.next(alone, nobody, 101.0) == Final(course.verdict or first)

    def test_may_come_from_a_degraded_one_where_none_is_well(self, course: Course) -> None:
        degraded = [Member("m1", "degraded"), Member("m2", "degraded")]
        course.answered(answer(502), 101.0)
        assert course.next(degraded, nobody, 101.0) == Go("m2:degraded")


class TestLostWithTheWholeRecording:
    def test_another_gets_it(self, course: Course) -> None:
        course.failed(lost("m1"), 110.0)
        assert course.next(UP, nobody, 110.0) == Go("m2")

    def test_two_that_stay_away_are_the_last(self, course: Course) -> None:
        course.failed(lost("m1"), 110.0)
        course.failed(lost("m2"), 120.0)
        assert course.is_suspect(nobody)
        assert isinstance(course.next(UP, nobody, 120.0), Wait)

    def test_when_one_is_back_it_goes_on(self, course: Course) -> None:
        course.failed(lost("m1"), 110.0)
        course.failed(lost("m2"), 120.0)
        assert not course.is_suspect(returned("m1"))
        assert course.next(UP, returned("m1"), 120.0) == Go("m3")

    def test_however_often_it_comes_about(self, course: Course) -> None:
        for number in range(100):
            course.taken(100.0 + number)
            course.failed(lost(f"m{number % 3 + 1}"), 100.5 + number)
            step = course.next(UP, returned("m1", "m2", "m3"), 100.5 + number)
            assert isinstance(step, Go)

    @pytest.mark.parametrize(
        "error",
        [
            NoAnswerError("", member="m1", taken=True),
            NoAnswerError("", member="m1"),
            NoAnswerError("", taken=True, sent=True),
        ],
        ids=["in its upload", "before it", "nobody knows by whom"],
    )
    def test_otherwise_it_says_nothing_of_the_recording(
        self, course: Course, error: NoAnswerError
    ) -> None:
        for _ in range(5):
            course.failed(error, 110.0)
        assert not course.is_suspect(nobody)


class TestTheClock:
    def test_stands_until_something_fails(self, course: Course) -> None:
        assert course.deadline == math.inf

    def test_runs_from_the_first_failure(self, course: Course) -> None:
        course.failed(NO_TURN, 105.0)
        course.failed(NO_TURN, 110.0)
        assert course.deadline == 105.0 + MAX_WAIT

    def test_stands_while_a_member_has_it(self, course: Course) -> None:
        course.failed(NO_TURN, 105.0)
        course.taken(115.0)
        assert course.deadline == math.inf
        course.answered(answer(503), 715.0)
        assert course.deadline == 715.0 + MAX_WAIT - 10.0

    def test_begins_anew_when_it_is_lost_with_a_member(self, course: Course) -> None:
        for lost_at in (100.0, 140.0, 180.0):
            course.taken(lost_at - 1.0)
            course.failed(LOST, lost_at)
            assert course.deadline == lost_at + MAX_WAIT
