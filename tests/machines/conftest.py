"""Boxes for the tests of this folder: raised for a module, ended with it.

Several pytest processes may run at once, as workers of pytest-xdist, with a module each.
"""

import math
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests import boxes
from tests.machines import snapshots
from tests.machines.deploying import raised

# What `make test` runs, so that it takes a quarter of an hour, is drawn by the commit: of tests
# that are marked as sampled one in so many, of modules that take turns one. `make test-boxes` runs
# all.
SHARE = 4
TURNS = (
    ("test_adoption", "test_earlier_layout"),
    ("test_lossless", "test_python_moves"),
    ("test_library", "test_several"),
    ("test_remote_user", "test_uninstall"),
)

# The modules that take longest, longest first: one that began last would be waited for alone.
# A worker whose module has one or two tests takes the next beside it, hence the short one.
FIRST = (
    "test_killed",
    "test_cut_off",
    "test_faults",
    "test_adoption",
    "test_library",
    "test_doctor",
    "test_lossless",
    "test_upgrade",
    "test_fresh",
    "test_hip_configure",
    "test_own_machine",
    "test_remote_user",
    "test_several",
)


@pytest.fixture(scope="session", autouse=True)
def outer_machine() -> Iterator[None]:
    """Say at once where boxes cannot run; leave nothing of them but caches, unless some were up."""
    reason = boxes.unusable()
    if reason:
        pytest.exit(f"test boxes cannot run here: {reason}", returncode=1)
    yield
    boxes.rest()


@pytest.fixture(scope="session")
def session_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers share, and both sessions of `make test`."""
    if named := os.environ.get("BOXES_SESSION"):
        return Path(named)
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def served(session_directory: Path) -> str:
    """A snapshot of a box that was deployed to, for tests of what comes after."""
    return snapshots.served(session_directory)


@pytest.fixture(scope="session")
def first_deploy(served: str, session_directory: Path) -> dict[str, Any]:
    """The `operations` of the deploy that made `served`, and the `footprint` of what it left."""
    return snapshots.facts(session_directory, served)


@pytest.fixture(scope="session")
def served_old(session_directory: Path) -> str:
    """The same with the version OLD, for tests of an upgrade."""
    return snapshots.served_old(session_directory)


@pytest.fixture(scope="session")
def served_earlier(session_directory: Path) -> str:
    """The same, but deployed by the last release of ours that had no generations."""
    return snapshots.served_earlier(session_directory)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put modules with boxes first, in the order of FIRST; leave out what is not drawn."""
    items.sort(key=_place)
    seed = os.environ.get("TORTURE_SEED")
    if seed and os.environ.get("TORTURE_CASES") != "all":
        left_out = {*_resting(items, seed), *_not_drawn(items, seed)}
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _resting(items: list[pytest.Item], seed: str) -> list[pytest.Item]:
    """The tests of the modules whose turn it is not."""
    chosen = {Random(f"{seed} {names}").choice(names) for names in TURNS}
    resting = {name for names in TURNS for name in names} - chosen
    return [item for item in items if item.path.stem in resting]


def _not_drawn(items: list[pytest.Item], seed: str) -> list[pytest.Item]:
    """The tests that are marked as sampled, but for one in SHARE of each module."""
    sampled = [item for item in items if item.get_closest_marker("sampled")]
    left_out = []
    for module, tests in groupby(sampled, key=lambda item: item.path.stem):
        every = list(tests)
        drawn = Random(f"{seed} {module}").sample(every, math.ceil(len(every) / SHARE))
        left_out += [item for item in every if item not in drawn]
    return left_out


def _place(item: pytest.Item) -> tuple[bool, int]:
    name = item.path.stem
    return (
        item.path.parent != Path(__file__).parent,
        FIRST.index(name) if name in FIRST else len(FIRST),
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker say which boxes it has raised."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["boxes"] = sorted(raised)
