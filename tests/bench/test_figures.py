import pytest

from bench.contenders import GUIDE, NGINX, OURS, STRAIGHT, UNLIMITED
from bench.figures import Figure, Row, added, baseline, goal, met, percentile

LATENCY = Figure("latency", "ms", goal=1.2)
NEAR = Figure("latency", "ms", of_nginx=3.5)
SHARE = Figure("rate", "", of_nginx=0.6, more_is_better=True)
RATE = Figure("rate", "", more_is_better=True)


def test_percentiles_are_interpolated():
    values = [float(value) for value in range(101)]
    assert (percentile(values, 50), percentile(values, 99)) == (50.0, 99.0)
    assert percentile([1.0, 2.0], 50) == 1.5


def test_the_straight_way_has_its_own_latency_and_the_others_what_they_add():
    row = added(LATENCY, 50, {STRAIGHT: [0.001, 0.001], OURS: [0.003, 0.003]})
    assert row.values == pytest.approx({STRAIGHT: 1.0, OURS: 2.0})


def test_a_guide_that_refuses_is_compared_without_its_limit():
    assert baseline(Row(LATENCY, {GUIDE: 1.0, UNLIMITED: 2.0})) == 1.0
    assert baseline(Row(LATENCY, {UNLIMITED: 2.0})) == 2.0
    assert baseline(Row(LATENCY, {NGINX: 2.0})) is None


@pytest.mark.parametrize(
    ("figure", "values", "expected"),
    [
        (LATENCY, {OURS: 1.2, GUIDE: 1.2}, True),
        (LATENCY, {OURS: 1.3, GUIDE: 9.0}, False),
        (LATENCY, {OURS: 1.0, GUIDE: 0.9}, False),
        (LATENCY, {OURS: 1.0}, True),
        (LATENCY, {GUIDE: 1.0}, False),
        (RATE, {OURS: 400.0, GUIDE: 399.0}, True),
        (RATE, {OURS: 399.0, GUIDE: 400.0}, False),
        (NEAR, {OURS: 3.5, GUIDE: 4.0, NGINX: 1.0}, True),
        (NEAR, {OURS: 3.6, GUIDE: 4.0, NGINX: 1.0}, False),
        (NEAR, {OURS: 3.6, GUIDE: 4.0}, True),
        (SHARE, {OURS: 600.0, GUIDE: 500.0, NGINX: 1000.0}, True),
        (SHARE, {OURS: 599.0, GUIDE: 500.0, NGINX: 1000.0}, False),
    ],
)
def test_a_goal_is_met_within_its_bound_and_not_behind_the_guide(figure, values, expected):
    assert met(Row(figure, values)) is expected


def test_a_figure_without_a_bound_has_the_guide_for_a_goal():
    assert (goal(LATENCY), goal(RATE)) == ("≤ 1.2 ms", "the guide's")
    assert (goal(NEAR), goal(SHARE)) == ("≤ 3.5 x nginx", "≥ 0.6 x nginx")
