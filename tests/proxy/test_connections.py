"""How many connections there may be, and which of them have to go."""

import pytest
from whisper_proxy.connections import (
    MAX_CONNECTIONS,
    MIN_BYTES_A_SECOND,
    Connections,
    max_connections,
    max_uploads,
)

PATIENCE = 30.0


class One:
    """A connection; size: what is unsent."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.ended = ""

    def unsent(self) -> int:
        return self.size

    def force_close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


@pytest.mark.parametrize(
    ("descriptors", "concurrency", "connections", "uploads"),
    [(8192, 1, MAX_CONNECTIONS, 512), (1024, 1, 487, 243), (64, 1, 7, 3), (10, 64, 4, 2)],
)
def test_limits_follow_from_the_descriptors(
    descriptors: int, concurrency: int, connections: int, uploads: int
) -> None:
    assert max_connections(descriptors, concurrency) == connections
    assert max_uploads(connections) == uploads


@pytest.fixture
def connections() -> Connections:
    return Connections(3, PATIENCE)


def test_it_is_full_with_those_that_are_beginning(connections: Connections) -> None:
    connections.opened(One())
    assert [connections.full(beginning) for beginning in (1, 2)] == [False, True]


def test_the_one_that_is_idle_for_longest_makes_room(connections: Connections) -> None:
    busy, writing, first, second = One(), One(1), One(), One()
    for one in (busy, writing, first, second):
        connections.opened(one)
    connections.begin(busy)
    connections.begin(first)
    connections.end(first)
    assert connections.close_idle()
    assert connections.close_idle()
    assert not connections.close_idle()
    assert [one.ended for one in (busy, writing, first, second)] == ["", "", "closed", "closed"]
    connections.end(busy)
    assert connections.close_idle()


def test_one_that_is_closed_is_forgotten(connections: Connections) -> None:
    one = One()
    connections.opened(one)
    connections.closed(one)
    connections.end(one)
    assert not connections.close_idle()
    assert not connections.full(2)


def swept(one: One, connections: Connections, sizes: list[int]) -> str:
    """Return how it ends when these are unsent, every five seconds."""
    connections.opened(one)
    for number, one.size in enumerate(sizes):
        connections.sweep(5.0 * number)
    return one.ended


ENOUGH, LITTLE = 5 * MIN_BYTES_A_SECOND, 5 * MIN_BYTES_A_SECOND - 1


@pytest.mark.parametrize(
    ("sizes", "end"),
    [
        ([99] * 6, ""),
        ([99] * 7, "aborted"),
        ([10**9 - ENOUGH * sweep for sweep in range(99)], ""),
        ([10**9 - LITTLE * sweep for sweep in range(7)], "aborted"),
        ([99, 99, 99, 0] * 9, ""),
        ([99, 99, 99, 0, 99, 99, 99, 99], ""),
    ],
)
def test_a_client_that_does_not_read_is_given_up(
    connections: Connections, sizes: list[int], end: str
) -> None:
    assert swept(One(), connections, sizes) == end
