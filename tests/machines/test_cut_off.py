"""A switch, a rollback and an adoption that are cut off between any two steps of their scripts.

The power of the box is cut there. When it is back what it hears is right, and the next run finishes
the work. A sample of the steps each time, drawn as in test_killed.py; `make torture` takes all.
"""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.boxes import Box
from tests.machines import breakpoints
from tests.machines.deploying import deploy, deployed, raise_boxes, sample
from tests.machines.footprint import Footprint, differences, footprint
from tests.machines.killing import assert_hears, cut_power, dying_run

pytestmark = pytest.mark.sampled

SAMPLE = 1  # step of a scenario
WORKERS = 2
OTHER = {"whisper_port": "2032"}  # what asks for another generation, and for no build


@dataclass(frozen=True)
class Scenario:
    """What is to be cut off, and the footprints of which one is right when it was finished."""

    name: str
    base: str
    run: dict[str, Any]
    outcomes: list[Footprint]
    steps: list[str]
    recording: bytes


@pytest.fixture(scope="module")
def switched(served: str) -> str:
    """A snapshot of a box on which two generations were confirmed."""
    with raise_boxes("switched", base=served) as (box,):
        deployed(box, **OTHER)
        box.save("switched")
    return "switched"


@pytest.fixture(scope="module", params=["switch", "rollback", "adoption"])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Undisturbed, with its steps counted."""
    base, run = {
        "switch": ("served", dict(OTHER)),
        "rollback": ("switched", {"file": "tasks/rollback.py"}),
        "adoption": ("served_earlier", {}),
    }[request.param]
    snapshot = request.getfixturevalue(base)
    with raise_boxes(f"whole-{request.param}", base=snapshot) as (box,):
        recording = sample(box)
        assert_hears(box, recording, "before the run", seconds=60)
        before = [footprint(box)] if request.param == "rollback" else []
        breakpoints.install(box)
        deployed(box, **run)
        steps = breakpoints.steps(box)
        breakpoints.remove(box)
        # A rollback is finished by a deploy, which leaves alone what was rolled back.
        deployed(box, **_next(run))
        return Scenario(request.param, snapshot, run, [*before, footprint(box)], steps, recording)


def _next(run: dict[str, Any]) -> dict[str, Any]:
    """The run that finishes what another has begun."""
    return dict(OTHER) if "file" in run else run


def wanted(steps: list[str], name: str) -> list[int]:
    """The numbers of the steps before which the power is to be cut."""
    every = range(1, len(steps) + 1)
    if os.environ.get("TORTURE_CASES") == "all":
        return list(every)
    chance = random.Random(f"{os.environ.get('TORTURE_SEED') or random.random()} {name}")
    return sorted(chance.sample(every, min(SAMPLE, len(every))))


def cut_and_recover(scenario: Scenario, step: int) -> str:
    """What is wrong after the cut before this step; empty if nothing is."""
    try:
        with raise_boxes(f"cut-{scenario.name}-{step}", base=scenario.base) as (box,):
            try:
                assert_hears(box, scenario.recording, "before the run", seconds=60)
                cut(scenario, step, box)
                assert_hears(box, scenario.recording, "after the power was cut", seconds=60)
                recover(scenario, box)
            finally:
                box.kill()
    except Exception as error:
        return f"{scenario.name} before step {step} ({scenario.steps[step - 1]}): {error}"
    return ""


def cut(scenario: Scenario, step: int, box: Box) -> None:
    breakpoints.install(box, stop=step)
    with dying_run(box, **scenario.run) as run:
        breakpoints.await_stop(box)
        cut_power(box)
        run.kill()
    box.start()
    breakpoints.remove(box)


def recover(scenario: Scenario, box: Box) -> None:
    done = deploy(box, **_next(scenario.run))
    assert done.status == 0, f"the next run fails:\n{done.output[-2000:]}"
    found = footprint(box)
    wrong = [differences(outcome, found) for outcome in scenario.outcomes]
    assert [] in wrong, "the box is not as after an undisturbed run:\n" + "\n".join(wrong[-1][:25])
    assert_hears(box, scenario.recording, "after the next run")
    again = deployed(box, **_next(scenario.run))
    assert again.changes == 0, f"one run more changes {again.changed}"


def test_the_services_start_and_the_next_run_finishes(
    scenario: Scenario, capsys: pytest.CaptureFixture[str]
):
    assert len(scenario.steps) > 5, scenario.steps
    numbers = wanted(scenario.steps, scenario.name)
    with ThreadPoolExecutor(WORKERS) as pool:
        results = pool.map(partial(cut_and_recover, scenario), numbers)
        problems = [problem for problem in results if problem]
    with capsys.disabled():
        print(f"\n{scenario.name}: cut off before {len(numbers)} of {len(scenario.steps)} steps")
    assert problems == [], "\n".join(problems)
