"""One process for all tests, or several workers of pytest-xdist."""

import sys
from typing import Any

import pytest
from gevent import monkey

# pyinfra_cli, which pyinfra_testing imports, would make the standard library cooperative for the
# whole process, under the feet of the proxy's asyncio. The tests here need none of it.
monkey.patch_all = lambda: None

raised: set[str] = set()


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
