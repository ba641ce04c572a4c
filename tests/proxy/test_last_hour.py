import pytest
from whisper_proxy.last_hour import MINUTES, LastHour


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hour(clock: Clock) -> LastHour:
    return LastHour(clock)


def test_an_hour_without_requests_has_no_figures_but_counts(hour: LastHour) -> None:
    assert hour.columns() == {
        "requests": [0] * MINUTES,
        "failed": [0] * MINUTES,
        "longest_wait": [None] * MINUTES,
        "real_time_factor": [None] * MINUTES,
    }


def test_a_minute_adds_up(hour: LastHour) -> None:
    for outcome in ("ok", "overloaded", "client_gone"):
        hour.record_request(outcome)
    for seconds in (0.5, 3.0, 1.0):
        hour.record_wait(seconds)
    hour.record_inference(1.0, 10.0)
    hour.record_inference(2.0, 50.0)
    last = {name: column[-1] for name, column in hour.columns().items()}
    assert last == {"requests": 3, "failed": 1, "longest_wait": 3.0, "real_time_factor": 0.05}


def test_a_recording_of_no_length_has_no_factor(hour: LastHour) -> None:
    hour.record_inference(1.0, 0.0)
    assert hour.columns()["real_time_factor"][-1] is None


@pytest.mark.parametrize(
    ("seconds", "places"),
    [(0, 1), (19, 1), (20, 2), (80, 3), (3559, 60), (3560, None), (1e6, None)],
)
def test_what_was_goes_to_the_front_and_out(
    hour: LastHour, clock: Clock, seconds: float, places: int | None
) -> None:
    hour.record_request("ok")  # 40 s into a minute
    clock.seconds += seconds
    expected = [0] * MINUTES
    if places:
        expected[-places] = 1
    assert hour.columns()["requests"] == expected


def test_its_size_is_fixed(hour: LastHour, clock: Clock) -> None:
    for _ in range(500):
        clock.seconds += 61
        hour.record_request("ok")
    assert {len(column) for column in hour.columns().values()} == {MINUTES}
