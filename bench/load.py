"""The load: bytes made beforehand over blocking sockets, so that it costs little itself."""

import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

ANSWER_SECONDS = 60.0
READ_BYTES = 64 * 1024
TURN = 5  # requests: one at a time would find its caches emptied by the other contenders
EXPECTED = b"your country"  # of the answer that bench.upstream gives

Latencies = dict[str, list[float]]


class RefusedError(Exception):
    """The contender did not answer with the text."""


class Connection:
    """A connection that is kept open, for one request after another."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def seconds(self, request: bytes) -> float:
        """Return how long the answer takes from the first byte sent, or raise RefusedError."""
        started = time.perf_counter()
        try:
            self._socket.sendall(request)
            head, body = self._answer()
        except OSError as error:
            raise RefusedError(str(error)) from error
        elapsed = time.perf_counter() - started
        status = head.partition(b"\r\n")[0].decode(errors="replace")
        if " 200 " not in status or EXPECTED not in body:
            raise RefusedError(status)
        return elapsed

    def _answer(self) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._received()
        head, _, body = data.partition(b"\r\n\r\n")
        size = _content_length(head)
        while len(body) < size:
            body += self._received()
        return head, body

    def _received(self) -> bytes:
        data = self._socket.recv(READ_BYTES)
        if not data:
            raise ConnectionResetError("closed without an answer")
        return data


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RefusedError("an answer without a length")


def latencies(ports: Mapping[str, int], request: bytes, samples: int, seconds: float) -> Latencies:
    """Return how many seconds each contender took for each of `samples` requests.

    One after another, TURN to a contender and then to the next, so that what slows the machine
    down hits all alike. Who refuses is left out. Ends early, all with as many, after `seconds`.
    """
    with ExitStack() as stack:
        connections = {name: stack.enter_context(Connection(ports[name])) for name in ports}
        found: Latencies = {
            name: []
            for name, connection in connections.items()
            if _warm(connection, request, max(3, samples // 10))
        }
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and samples > 0:
            samples -= TURN
            for name, taken in found.items():
                taken += [connections[name].seconds(request) for _ in range(TURN)]
    return found


def _warm(connection: Connection, request: bytes, count: int) -> bool:
    try:
        for _ in range(count):
            connection.seconds(request)
    except RefusedError:
        return False
    return True


def rate(port: int, request: bytes, connections: int, seconds: float) -> float:
    """Return the requests a second over so many connections, each with one under way.

    Raises RefusedError.
    """
    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        counts = pool.map(lambda _: until(started + seconds, port, request), range(connections))
    return sum(counts) / (time.perf_counter() - started)


def until(end: float, port: int, request: bytes) -> int:
    """Send the request again and again until `end` of time.perf_counter; return how often.

    Raises RefusedError.
    """
    count = 0
    with Connection(port) as connection:
        while time.perf_counter() < end:
            connection.seconds(request)
            count += 1
    return count


def burst(port: int, request: bytes, count: int) -> None:
    """Send the request `count` times at once, each over a connection of its own.

    Raises RefusedError.
    """
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: _once(port, request), range(count)))


def _once(port: int, request: bytes) -> None:
    with Connection(port) as connection:
        connection.seconds(request)
