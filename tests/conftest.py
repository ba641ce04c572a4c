"""One process for all tests, or several workers of pytest-xdist."""

import os
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from gevent import monkey

from tests.sampling import drawn

# pyinfra_cli, which pyinfra_testing imports, would make the standard library cooperative for the
# whole process, under the feet of the proxy's asyncio. The tests here need none of it.
monkey.patch_all = lambda: None

raised: set[str] = set()


@dataclass(frozen=True)
class Collected:
    """A test that pytest has found."""

    item: pytest.Item

    @property
    def module(self) -> str:
        return f"{self.item.path.parent.name}/{self.item.path.stem}"

    @property
    def is_sampled(self) -> bool:
        return self.item.get_closest_marker("sampled") is not None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the seed does not draw."""
    if seed := os.environ.get("TORTURE_SEED"):
        kept = [test.item for test in drawn([Collected(item) for item in items], seed)]
        config.hook.pytest_deselected(items=list(set(items) - set(kept)))
        items[:] = kept


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a worker which boxes it has raised; one that crashed says nothing."""
    raised.update(getattr(node, "workeroutput", {}).get("boxes", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if deploying := sys.modules.get("tests.machines.deploying"):
        raised.update(deploying.raised)
    if raised:
        names = ", ".join(sorted(raised))
        terminalreporter.write_line(f"test boxes that ran: {len(raised)} ({names})")
