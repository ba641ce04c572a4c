"""Boxes for the tests of this folder: raised for a module, ended with it.

Several pytest processes may run at once, as workers of pytest-xdist, with a module each.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import boxes
from tests.machines import snapshots
from tests.machines.deploying import raised

# The modules that take longest, longest first: one that began last would be waited for alone.
FIRST = (
    "test_faults",
    "test_cut_off",
    "test_killed",
    "test_adoption",
    "test_upgrade",
    "test_doctor",
    "test_lossless",
    "test_idle_stop",
    "test_own_machine",
    "test_fresh",
    "test_several",
    "test_python_moves",
    "test_earlier_layout",
    "test_hip_configure",
    "test_remote_user",
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put modules with boxes first, in the order of FIRST, and leave the others as they are."""
    items.sort(key=_place)


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
