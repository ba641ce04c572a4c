"""Boxes for the tests of this folder: raised for a module, ended with it.

Several pytest processes may run at once, as workers of pytest-xdist, with a module each.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import boxes
from tests.machines.deploying import OLD, deployed, earlier_checkout, raise_boxes, raised
from tests.machines.footprint import footprint

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


def made_once(place: Path, label: str, **options: Any) -> str:
    """The snapshot of a fresh box that was deployed to, which the first who asks makes."""
    with (place / f"{label}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = place / f"{label}.made"
        if not made.exists():
            with raise_boxes(label) as (box,):
                run = deployed(box, **options)
                facts = {"operations": run.operations, "footprint": footprint(box)}
                box.save(label)
            made.write_text(json.dumps(facts))
    return label


@pytest.fixture(scope="session")
def served(session_directory: Path) -> str:
    """A snapshot of a box that was deployed to, for tests of what comes after."""
    return made_once(session_directory, "served")


@pytest.fixture(scope="session")
def first_deploy(served: str, session_directory: Path) -> dict[str, Any]:
    """The `operations` of the deploy that made `served`, and the `footprint` of what it left."""
    found: dict[str, Any] = json.loads((session_directory / f"{served}.made").read_text())
    return found


@pytest.fixture(scope="session")
def served_old(session_directory: Path) -> str:
    """The same with the version OLD, for tests of an upgrade."""
    return made_once(session_directory, "served-old", whisper_version=OLD)


@pytest.fixture(scope="session")
def served_earlier(session_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same, but deployed by the last release of ours that had no generations."""
    return made_once(
        session_directory,
        "served-earlier",
        cwd=earlier_checkout(tmp_path_factory.mktemp("earlier")),
    )


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
