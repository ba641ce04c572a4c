import math

import pytest
from whisper_proxy.inference_cost import Line

from bench.waiting import (
    Load,
    Service,
    mean_wait,
    percentile_wait,
    rate_for,
    rate_of_files,
    wait_probability,
)

# Of a mean of 2 s: exponential as in M/M/c, and always the same as in M/D/1.
EXPONENTIAL, FIXED = Service(2.0, 8.0), Service(2.0, 4.0)


def test_a_service_has_the_mean_and_the_square_of_a_range_of_lengths():
    service = Service.of(Line(fixed=1.0), Load(1, 5, 5), noise=0.0)
    assert (service.mean, service.square) == (1.0, 1.0)
    service = Service.of(Line(factor=1.0), Load(1, 0, 12), noise=0.0)
    assert (service.mean, service.square) == pytest.approx((6.0, 48.0), rel=1e-4)


def test_noise_adds_to_the_square_alone():
    service = Service.of(Line(fixed=1.0), Load(1, 5, 5), noise=0.3)
    assert (service.mean, service.square) == pytest.approx((1.0, 1.03))


def test_windows_are_encoded_whole():
    assert Service.of(Line(fixed=1.0), Load(1, 600, 600), noise=0.0).mean == 20.0


@pytest.mark.parametrize(
    ("busy", "servers", "expected"), [(0.7, 1, 0.7), (1, 2, 1 / 3), (2, 3, 4 / 9), (3, 3, 1.0)]
)
def test_erlang_s_formula(busy, servers, expected):
    assert wait_probability(busy, servers) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("service", "rate", "servers", "expected"),
    [
        (EXPONENTIAL, 0.25, 1, 2.0),
        (FIXED, 0.25, 1, 1.0),
        (EXPONENTIAL, 0.5, 2, 2 / 3),
        (EXPONENTIAL, 0.5, 1, math.inf),
    ],
)
def test_the_mean_wait_is_that_of_the_textbook(service, rate, servers, expected):
    assert mean_wait(rate, service, servers) == pytest.approx(expected)


def test_the_percentile_is_exact_where_service_is_exponential():
    assert percentile_wait(95, 0.25, EXPONENTIAL) == pytest.approx(math.log(0.5 / 0.05) / 0.25)


def test_where_fewer_wait_the_percentile_is_no_wait():
    assert percentile_wait(95, 0.02, EXPONENTIAL) == 0.0


@pytest.mark.parametrize("servers", [1, 2, 8])
def test_at_the_rate_for_a_wait_the_wait_is_that(servers):
    rate = rate_for(95, 5.0, FIXED, servers)
    assert percentile_wait(95, rate, FIXED, servers) == pytest.approx(5.0)


def test_no_server_can_do_anything():
    assert rate_for(95, 5.0, FIXED, 0) == 0.0


def test_files_may_come_until_one_short_recording_in_twenty_meets_one_that_has_long_to_run():
    # A file an hour that takes 1000 s has 500 s or more to run for half of that time.
    assert 3600 * rate_of_files(95, 500, 1000, 0.0) == pytest.approx(0.36)
    assert 3600 * rate_of_files(95, 500, 1000, 0.5) == pytest.approx(0.18)
    assert rate_of_files(95, 500, 500, 0.0) == math.inf
