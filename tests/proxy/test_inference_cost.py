import random

import pytest
from whisper_proxy.inference_cost import InferenceCost, windows

HOUR = 3600.0
# A GPU, in seconds: what a window costs, and what a second of speech in it does.
ENCODE, DECODE = 0.1, 0.012


def on_a_gpu(seconds: float) -> float:
    return windows(seconds) * ENCODE + seconds * DECODE


def measured(*lengths: float, noise: float = 0.0) -> InferenceCost:
    chance = random.Random(1)
    cost = InferenceCost()
    for seconds in lengths:
        cost.record(seconds, on_a_gpu(seconds) * chance.uniform(1 - noise, 1 + noise))
    return cost


def test_windows() -> None:
    assert [windows(seconds) for seconds in (0, 0.1, 30, 30.1, HOUR)] == [1, 1, 1, 2, 120]


def test_nothing_is_expected_before_anything_is_measured() -> None:
    assert InferenceCost().expected(HOUR) == 0


def test_the_first_measurement_counts_by_its_length() -> None:
    cost = InferenceCost()
    cost.record(10, 8)
    assert cost.expected(1) == pytest.approx(0.8)
    assert cost.expected(20) == pytest.approx(16)


def test_lengths_that_differ_show_what_a_window_costs() -> None:
    cost = measured(3, 30, 8, 2, 15, 120)
    for seconds in (1, 8, 30, 100, HOUR):
        assert cost.expected(seconds) == pytest.approx(on_a_gpu(seconds), rel=0.05)


def test_dictations_tell_what_an_hour_costs() -> None:
    dictations = [random.Random(2).uniform(2, 15) for _ in range(20)]
    cost = measured(*dictations, noise=0.2)
    assert on_a_gpu(HOUR) / 2 < cost.expected(HOUR) < on_a_gpu(HOUR) * 2


def test_a_short_recording_is_short_after_a_long_one() -> None:
    assert measured(HOUR).expected(1) < on_a_gpu(1)


@pytest.mark.parametrize("second", [(1, 0.3), (30, 0.5)])
def test_neither_part_is_negative(second: tuple[float, float]) -> None:
    cost = InferenceCost()
    cost.record(10, 8)
    cost.record(*second)
    costs = [cost.expected(seconds) for seconds in (0, 1, 10, 30)]
    assert costs == sorted(costs)
    assert costs[0] >= 0


def test_no_audio_costs_something_too() -> None:
    cost = InferenceCost()
    cost.record(0, 0.1)
    assert cost.expected(0) == pytest.approx(0.1)


def test_another_speed_is_learned() -> None:
    cost = measured(5, 10, 5, 10)
    for _ in range(50):
        cost.record(5, 2.0)
    assert cost.expected(5) == pytest.approx(2.0, rel=0.1)


def test_the_first_inference_may_be_that_of_a_large_model_on_an_old_cpu() -> None:
    cost = InferenceCost()
    assert cost.limit(1) > 300
    assert cost.limit(HOUR) > 10 * HOUR


def test_what_is_measured_bounds_the_next() -> None:
    cost = measured(5, 10, 5, 10)
    assert cost.limit(5) == 30
    assert 5 * on_a_gpu(HOUR) < cost.limit(HOUR) < 0.5 * HOUR
    slow = InferenceCost()
    slow.record(5, 20)
    assert slow.limit(5) == pytest.approx(400)


def test_the_worst_that_whisper_does_to_speech_is_within_the_limit() -> None:
    # Six temperatures, 220 tokens each, where 30 s of speech have 75.
    worst = 120 * (ENCODE + 30 * DECODE * 6 * 220 / 75)
    assert measured(5, 10, 30).limit(HOUR) > worst


def test_only_silence_was_measured() -> None:
    cost = InferenceCost()
    cost.record(HOUR, 120 * ENCODE)
    assert cost.limit(HOUR) >= HOUR / 4


def test_a_server_that_comes_back_may_be_slower() -> None:
    cost = measured(5, 10, 5, 10)
    cost.distrust()
    assert cost.limit(5) > 300
    assert cost.expected(5) > 0  # until it is known
    cost.record(5, 10.0)
    assert cost.expected(5) == pytest.approx(10)
    assert cost.limit(5) > 30


def test_a_server_that_uses_its_gpu_again_is_as_fast_as_before() -> None:
    cost = measured(5, 10, 5, 10)
    cost.distrust()
    cost.trust()
    assert cost.limit(5) == 30
    unmeasured = InferenceCost()
    unmeasured.trust()
    assert unmeasured.limit(5) > 300
