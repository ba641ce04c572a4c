"""What `make test` leaves out, so that it takes a quarter of an hour; other targets run all.

A commit draws, so that a second run does the same: TORTURE_SEED names it. Of tests that are marked
as `sampled` one in SHARE of each module runs, and of modules that take turns one.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from random import Random
from typing import Protocol, TypeVar

SHARE = 5
TURNS = (
    ("machines/test_access", "machines/test_lan"),
    (
        "machines/test_adoption",
        "machines/test_earlier_layout",
        "machines/test_lossless",
        "machines/test_python_moves",
    ),
    ("machines/test_cut_off", "machines/test_killed"),
    ("machines/test_cut_off_downloads", "machines/test_environment"),
    (
        "machines/test_compare",
        "machines/test_library",
        "machines/test_remote_user",
        "machines/test_several",
        "machines/test_uninstall",
    ),
    ("machines/test_refusals", "machines/test_who_answers"),
    ("machines/test_upgrades", "machines/test_wyoming"),
    ("machines/test_fastest", "machines/test_rooms_and_rights", "machines/test_voicemode_files"),
)


class Test(Protocol):
    """A test."""

    @property
    def module(self) -> str:
        """The names of its directory and of its file: DIRECTORY/FILE, without `.py`."""

    @property
    def is_sampled(self) -> bool:
        """Whether it is marked so."""


T = TypeVar("T", bound=Test)


def drawn(tests: Sequence[T], seed: str) -> list[T]:
    """The tests that run for this seed, in their order."""
    resting = {name for names in TURNS for name in names} - {_turn(names, seed) for names in TURNS}
    left_out = {id(test) for test in _not_sampled(tests, seed)}
    return [test for test in tests if test.module not in resting and id(test) not in left_out]


def _turn(names: tuple[str, ...], seed: str) -> str:
    return Random(f"{seed} {names}").choice(names)


def _not_sampled(tests: Sequence[T], seed: str) -> list[T]:
    left_out = []
    marked = [test for test in tests if test.is_sampled]
    for module, of_module in groupby(marked, key=lambda test: test.module):
        every = list(of_module)
        chance = Random(f"{seed} {module}")
        chosen = set(chance.sample(range(len(every)), math.ceil(len(every) / SHARE)))
        left_out += [test for number, test in enumerate(every) if number not in chosen]
    return left_out
