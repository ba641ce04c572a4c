"""Killed anywhere: the next run finishes the work, and what served before keeps serving.

A sample of all cases, drawn by a seed that is printed; `make torture` runs all of them.
TORTURE_SEED=WORD draws the same sample again, and `make test` names the commit for that: it does
the same each time. TORTURE_CASES="NAME NAME" takes these cases alone, or "all".
"""

import os
import queue
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from textwrap import indent
from typing import Any

import pytest

from tests.machines.cases import MIDDLES, WAYS, Case, Scenario, all_cases, draw
from tests.machines.deploying import deployed, raise_boxes, sample
from tests.machines.footprint import footprint
from tests.machines.killing import die_and_recover

SAMPLE = 2
WORKERS = 2  # boxes at a time: much of a run is waiting
UNFINISHED = (".part", ".partial", ".new", ".tar")


@pytest.fixture(scope="module")
def scenarios(served_old: str, first_deploy: dict[str, Any]) -> list[Scenario]:
    """A first deploy and an upgrade, undisturbed: what all others are measured by."""
    # Model and virtual environment are there already, and stay.
    middles = ("clone", "checkout", "build")
    with raise_boxes("upgrade", base=served_old) as (box,):
        upgrade = deployed(box)
        outcome, recording = footprint(box), sample(box)
    first = first_deploy["operations"], first_deploy["footprint"]
    found = [
        Scenario("first", None, tuple(MIDDLES), *first, recording),
        Scenario("upgrade", served_old, middles, upgrade.operations, outcome, recording),
    ]
    for scenario in found:
        assert [what for what in scenario.outcome if what.endswith(UNFINISHED)] == []
    return found


def wanted(cases: list[Case], seed: str) -> list[Case]:
    """What the environment asks for: these cases, all, or else a sample."""
    names = os.environ.get("TORTURE_CASES", "").split()
    unknown = set(names) - {case.name for case in cases} - {"all", "sample"}
    assert not unknown, f"no cases: {unknown}; there are {[case.name for case in cases]}"
    if names in ([], ["sample"]):
        return draw(cases, seed, SAMPLE)
    return [case for case in cases if case.name in names or "all" in names]


class Torture:
    """Runs cases side by side, each on a box of its own, and collects what goes wrong."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.failures: dict[str, str] = {}
        self._say = say
        self._boxes: queue.SimpleQueue[str] = queue.SimpleQueue()
        for number in range(WORKERS):
            self._boxes.put(f"killed-{number + 1}")

    def run(self, cases: list[Case]) -> None:
        """Run all of them; an interrupt ends it after those that are under way."""
        with ThreadPoolExecutor(WORKERS) as pool:
            try:
                for done in as_completed([pool.submit(self._run, case) for case in cases]):
                    done.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _run(self, case: Case) -> None:
        box, start = self._boxes.get(), time.monotonic()
        try:
            die_and_recover(case, box)
        except Exception as error:
            self.failures[case.name] = str(error) or repr(error)
        finally:
            self._boxes.put(box)
        reason = self.failures.get(case.name)
        outcome, why = ("FAILED", f"\n{indent(reason, ' ' * 8)}") if reason else ("ok", "")
        self._say(f"{outcome:6} {time.monotonic() - start:5.1f} s  {case.title}{why}")


def test_a_deploy_that_is_killed_anywhere_is_finished_by_the_next(
    scenarios: list[Scenario], capsys: pytest.CaptureFixture[str]
):
    def say(line: str) -> None:
        with capsys.disabled():
            print(line, file=sys.stderr, flush=True)  # a worker has no standard output

    seed = os.environ.get("TORTURE_SEED") or str(random.randrange(10**6))
    every = all_cases(scenarios)
    cases = wanted(every, seed)
    counts = " and ".join(f"{len(each.operations)} in {each.name}" for each in scenarios)
    say(f"\noperations: {counts}; {len(cases)} of {len(every)} cases, TORTURE_SEED={seed}")
    torture = Torture(say)
    torture.run(cases)
    if torture.failures:
        again = f'make torture TORTURE_CASES="{" ".join(torture.failures)}"'
        reasons = {name: text.splitlines()[0] for name, text in torture.failures.items()}
        report = "\n".join(f"{name}: {reason}" for name, reason in reasons.items())
        pytest.fail(f"{report}\nTORTURE_SEED={seed}; these again: {again}", pytrace=False)


def test_a_sample_is_of_as_many_kinds_as_it_can_be():
    operations = [str(number) for number in range(1, 24)]
    every = all_cases(
        [
            Scenario("first", None, tuple(MIDDLES), operations, {}, b""),
            Scenario("upgrade", "snapshot", ("clone", "build"), operations, {}, b""),
        ]
    )
    kinds = {case.kind for case in every}
    assert kinds == {*MIDDLES, *(f"{name}-{way}" for name in ("first", "upgrade") for way in WAYS)}
    seen = set()
    for seed in map(str, range(50)):
        for size in (SAMPLE, 12):
            cases = draw(every, seed, size)
            assert len({case.name for case in cases}) == size
            assert len({case.kind for case in cases}) == min(size, len(kinds))
            assert cases == draw(every, seed, size)
        seen |= {case.kind for case in draw(every, seed, SAMPLE)}
    assert seen == kinds
