"""The open connections: how many there may be, and which of them have to go."""

import asyncio
import resource
from typing import Protocol

MAX_CONNECTIONS = 1024  # a few hundred KiB of buffers each, at worst
# Descriptors beside those of connections and uploads: Python's own, four decoders, the listeners.
RESERVED_DESCRIPTORS = 48
SWEEP_SECONDS = 5.0
# Of an upload, and of an answer: half of what a phone sends or takes at 64 kbit/s, about the least
# on which a call is possible.
MIN_BYTES_A_SECOND = 4000


def max_connections(descriptors: int, concurrency: int) -> int:
    """Return how many connections fit into so many file descriptors.

    Each may take two: half of them are uploads, with a spool and a decoded file. Each inference
    takes a connection and a reader.
    """
    spare = descriptors - RESERVED_DESCRIPTORS - 2 * concurrency
    return min(MAX_CONNECTIONS, max(4, spare // 2))


def max_uploads(connections: int) -> int:
    """Return how many uploads may be under way, so that others can still ask for /health."""
    return connections // 2


def descriptors() -> int:
    """Return how many file descriptors this process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Connection(Protocol):
    """What has to be known of a connection."""

    def unsent(self) -> int:
        """Return how many bytes of answers the client has not taken yet."""

    def force_close(self) -> None:
        """Close it, when what was written is sent."""

    def abort(self) -> None:
        """Close it at once, whatever is unsent."""


class Connections:
    """All open connections, and since when a client does not take its answer."""

    def __init__(self, limit: int, patience: float) -> None:
        self._limit = limit
        self._patience = patience
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # the one that has been so for longest first
        self._unread: dict[Connection, tuple[int, float]] = {}

    def opened(self, connection: Connection) -> None:
        """Add a connection, which is idle at first."""
        self._open.add(connection)
        self._idle[connection] = None

    def begin(self, connection: Connection) -> None:
        """Note that a connection has a request in progress."""
        self._idle.pop(connection, None)

    def end(self, connection: Connection) -> None:
        """Note that the request of a connection, if it is still open, has ended."""
        if connection in self._open:
            self._idle[connection] = None

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.discard(connection)
        self._idle.pop(connection, None)
        self._unread.pop(connection, None)

    def full(self, beginning: int) -> bool:
        """Return whether no more may be opened, with those that are just beginning."""
        return len(self._open) + beginning >= self._limit

    def close_idle(self) -> bool:
        """Close the one that has been idle for longest; return whether there is one."""
        longest = next((one for one in self._idle if not one.unsent()), None)
        if longest:
            del self._idle[longest]
            longest.force_close()
        return bool(longest)

    async def watch(self) -> None:
        """Abort the connections whose client does not read, again and again."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep(asyncio.get_running_loop().time())

    def sweep(self, now: float) -> None:
        """Abort the connections whose client has taken too little for too long."""
        for one in list(self._open):
            size = one.unsent()
            before, since = self._unread.get(one, (size, now))
            if not size:
                self._unread.pop(one, None)
            elif before - size >= MIN_BYTES_A_SECOND * (now - since):
                self._unread[one] = (size, now)
            elif now - since >= self._patience:
                one.abort()
