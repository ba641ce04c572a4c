"""Whether the real HAProxy is here, and where."""

import pytest

from bench.processes import system_program

needs_haproxy = pytest.mark.skipif(
    not system_program("haproxy"),
    reason="there is no haproxy here: run make setup, or apt-get install haproxy",
)


def program() -> str:
    """Return its path."""
    found = system_program("haproxy")
    assert found
    return found
