"""Listening sockets: passed by systemd, which keeps them across restarts, or our own."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, MutableMapping, Sequence

from .connections import Connections
from .drain import GRACE_SECONDS
from .tls import Encryption

LOG = logging.getLogger(__name__)

FIRST_FD = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)
BACKLOG = 128
# Connections accepted in one go before the event loop continues.
MAX_ACCEPTS = 64
# Errors that pass: no descriptor, no memory, no process.
OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN}
ACCEPT_RETRY_SECONDS = 1.0
# A connection that has not begun after so long makes room for others when there is none.
STALLED_SECONDS = 1.0
# What handshakes that are under way may still take of a stop, before what is in flight is drained.
HANDSHAKE_SECONDS = 3.0


def listening_sockets(
    host: str, port: int, environment: MutableMapping[str, str]
) -> list[socket.socket]:
    """Return systemd's sockets if it passed any, otherwise new ones for each address of `host`.

    Raises OSError if it cannot listen.
    """
    return inherited_sockets(environment) or open_sockets(host, port)


def inherited_sockets(environment: MutableMapping[str, str]) -> list[socket.socket]:
    """Take over the sockets that systemd passed to this process, see sd_listen_fds(3).

    Their variables are removed from the environment, which ffmpeg inherits.
    """
    pid, count = (environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS"))
    environment.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    taken = [socket.socket(fileno=FIRST_FD + number) for number in range(int(count))]
    for one in taken:
        one.set_inheritable(False)
    return taken


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of a host. Raises OSError if it cannot."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = dict.fromkeys((family, address) for family, *_, address in found)
    return [
        socket.create_server(address, family=family, backlog=BACKLOG)
        for family, address in addresses
    ]


class Listener:
    """Accepts connections until it is stopped, and drops none of them.

    asyncio's own server, when closed, drops connections that it has accepted but not yet begun to
    serve, and it cannot be stopped in any other way.
    """

    def __init__(
        self,
        listening: Sequence[socket.socket],
        protocol: Callable[[], asyncio.BaseProtocol],
        connections: Connections,
        encryption: Encryption | None = None,
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._connections = connections
        self._encryption = encryption
        self._loop = asyncio.get_running_loop()
        # Since when, the one that has been at it for longest first.
        self._beginning: dict[asyncio.Task[None], float] = {}
        self._silent: set[asyncio.Task[None]] = set()  # those of which nothing has come yet
        self._stopped = False

    def start(self) -> None:
        """Begin to accept connections."""
        for one in self._listening:
            one.setblocking(False)
            self._resume(one)

    async def stop(self) -> None:
        """Stop accepting and close the sockets. systemd's copies queue new connections.

        Who has sent nothing yet gets as long as one that is open to send a request.
        """
        self._stopped = True
        for one in self._listening:
            self._loop.remove_reader(one)
            one.close()
        await self._wait(GRACE_SECONDS)
        for task in self._silent:
            task.cancel()
        await self._wait(HANDSHAKE_SECONDS)
        for task in self._beginning:
            task.cancel()
        await self._wait(None)

    async def _wait(self, seconds: float | None) -> None:
        if self._beginning:
            await asyncio.wait(self._beginning, timeout=seconds)

    def _resume(self, listening: socket.socket) -> None:
        if not self._stopped:
            self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(MAX_ACCEPTS):
            if self._connections.full(len(self._beginning)):
                # Closed in the next turn of the loop, which is the one to accept in.
                if not (self._cut_off_stalled() or self._connections.close_idle()):
                    self._pause(listening)
                return
            try:
                connection, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._exhausted(listening, error)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._begin(connection, address[0]))
            self._beginning[task] = self._loop.time()
            task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[None]) -> None:
        self._beginning.pop(task, None)
        self._silent.discard(task)

    def _cut_off_stalled(self) -> bool:
        """Cut off the one that has been beginning for longest; return whether any is stalled."""
        longest, since = next(iter(self._beginning.items()), (None, 0.0))
        if longest is None or self._loop.time() - since < STALLED_SECONDS:
            return False
        del self._beginning[longest]
        longest.cancel()
        return True

    def _exhausted(self, listening: socket.socket, error: OSError) -> None:
        if error.errno not in OUT_OF_RESOURCES:
            raise error
        LOG.error("cannot accept connections: %s", error.strerror)
        if not self._cut_off_stalled():
            self._connections.close_idle()
        self._pause(listening)

    def _pause(self, listening: socket.socket) -> None:
        self._loop.remove_reader(listening)
        self._loop.call_later(ACCEPT_RETRY_SECONDS, self._resume, listening)

    async def _begin(self, connection: socket.socket, peer: str) -> None:
        if not self._encryption:
            await self._loop.connect_accepted_socket(self._protocol, connection)
            return
        task = asyncio.current_task()
        assert task
        self._silent.add(task)
        await self._encryption.begin(
            connection, peer, self._protocol, lambda: self._silent.discard(task)
        )
