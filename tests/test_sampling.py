"""Every test has its turn, and a commit has the same ones each time."""

from dataclasses import dataclass

from tests.sampling import SHARE, TURNS, drawn

SEEDS = [str(number) for number in range(100)]


@dataclass(frozen=True)
class Case:
    module: str
    number: int
    is_sampled: bool = False


ALWAYS = [Case("machines/test_fresh", number) for number in range(3)]
SAMPLED = [Case("machines/test_faults", number, is_sampled=True) for number in range(2 * SHARE)]
TAKING_TURNS = [Case(name, number) for names in TURNS for name in names for number in range(2)]
ALL = [*SAMPLED, *TAKING_TURNS, *ALWAYS]


def test_a_seed_draws_the_same_each_time():
    for seed in SEEDS:
        assert drawn(ALL, seed) == drawn(ALL, seed)


def test_a_share_is_drawn_and_one_of_those_that_take_turns():
    for seed in SEEDS:
        found = drawn(ALL, seed)
        assert set(ALWAYS) <= set(found)
        assert len([case for case in found if case.is_sampled]) == 2
        for names in TURNS:
            modules = [case.module for case in found if case.module in names]
            assert len(modules) == 2
            assert len(set(modules)) == 1


def test_every_test_has_its_turn():
    assert {case for seed in SEEDS for case in drawn(ALL, seed)} == set(ALL)
