"""Boxes for the tests of this folder: raised for a module, ended with it."""

from collections.abc import Iterator

import pytest

from tests import boxes
from tests.boxes import state
from tests.machines.deploying import deployed, raise_boxes, raised

SERVED = "served"


@pytest.fixture(scope="session", autouse=True)
def outer_machine() -> Iterator[None]:
    """Say at once where boxes cannot run; leave nothing of them but caches, unless some were up."""
    reason = boxes.unusable()
    if reason:
        pytest.exit(f"test boxes cannot run here: {reason}", returncode=1)
    yield
    if not state.records():
        boxes.down()


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """A snapshot of a box that was deployed to, for tests of what comes after."""
    with raise_boxes("served") as (box,):
        deployed(box)
        box.save(SERVED)
        yield SERVED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if raised:
        names = ", ".join(sorted(raised))
        terminalreporter.write_line(f"test boxes that ran: {len(raised)} ({names})")
