from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from bench import scaling
from bench.queueing import DICTATIONS, Case, first_in_first_out
from bench.scaling import CARDS, GUIDE, alone, beside, dictation, equal
from bench.waiting import mean_wait, rate_of_files

PAGE = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.name} {card.model}")
def test_a_card_takes_what_was_published(card):
    assert card.line.cost(card.seconds) == pytest.approx(card.took)


def test_the_guide_s_encoder_takes_what_the_guide_measured():
    assert GUIDE.line.fixed == pytest.approx(0.093, rel=0.02)


def test_two_runs_of_one_card_are_met_by_one_line():
    vulkan = next(card for card in CARDS if card.took == 0.84)
    assert vulkan.line.cost(297) == pytest.approx(297 / 19.8, rel=0.01)


@pytest.mark.parametrize("report", [scaling.dictations, scaling.files, scaling.pools])
def test_the_page_has_the_tables_as_they_are_computed(report):
    assert report() in PAGE


def test_the_page_has_the_table_of_files_in_a_pool_as_it_is_simulated():
    assert scaling.files_at_a_time() in PAGE


def test_members_that_are_alike_are_as_one_of_them():
    assert equal((1.0, 1.0)) == GUIDE.line
    assert equal((1.0, 3.0)).cost(11) == pytest.approx(GUIDE.took / 2)


def test_in_order_of_arrival_the_mean_wait_is_pollaczek_and_khinchine_s():
    service = dictation(GUIDE.line)
    load = replace(DICTATIONS, every=service.mean / 0.6)
    case = Case("dictations", 0, 0, 45, (load,), GUIDE.line)
    found = first_in_first_out(case, 20_000 * load.every).dictations
    assert found.mean == pytest.approx(mean_wait(load.rate, service), rel=0.05)


@pytest.mark.parametrize(
    ("speeds", "busy"), [((1.0,), 0.7), ((1.0,) * 4, 0.8), ((1.0, 2.0, 4.0), 0.8)]
)
def test_the_formula_is_near_to_the_proxy_s_own_queue(speeds, busy):
    assert abs(alone(speeds, busy, arrivals=10_000).off) < 0.2


def test_half_the_files_keep_dictations_from_waiting():
    with patch.object(scaling, "rate_of_files", lambda *values: rate_of_files(*values) / 2):
        assert beside(120.0, files=500).simulated < 1.0
    assert 2.5 < beside(120.0, files=500).simulated < 7.5
