"""A cable between the boxes and a server, that can be cut or made thin.

A box reaches every cable as `sources`, the outer machine, at a port of the cable's own:

    with Cable("10.65.1.1", 8642, cut_after=1_000_000) as cable:
        deploy(box, whisper_repo=f"{cable.url}/git/whisper.cpp")
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.boxes import network
from tests.boxes.system import SOURCES_HOST

BLOCK = 1 << 16  # bytes
ENDLESS = 1 << 62


class Cable:
    """Carries TCP connections to a server, from a free port of the boxes' gateway.

    + address, port: of the server
    + cut_after: after how many bytes towards its client a connection ends
    + rate: bytes a second towards the client, for each connection; 0 brings nothing and ends
      nothing. It may be set at any time; None is no limit
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        cut_after: int = ENDLESS,
        rate: int | None = None,
    ) -> None:
        self.rate = rate
        self.carried = 0  # bytes that clients got, over all connections
        self.asked = 0  # bytes that the server got
        self._server, self._cut_after = (address, port), cut_after
        self._ends: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._gone = threading.Event()

    def __enter__(self) -> Self:
        self.address = network.address(network.GATEWAY)
        self._listener = socket.create_server((self.address, 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{SOURCES_HOST}:{self.port}"
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """End every connection at once, and refuse new ones from now on."""
        self._gone.set()
        for end in (self._listener, *self._ends):
            _hang_up(end)
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                self._start(self._carry, client)

    def _carry(self, client: socket.socket) -> None:
        """Carry one connection; when either end hangs up, so does the other."""
        with client, suppress(OSError), socket.create_connection(self._server) as server:
            self._ends |= {client, server}
            up = self._start(self._ask, client, server)
            with suppress(OSError):
                self._bring(server, client)
            _hang_up(client)
            _hang_up(server)
            up.join()
            self._ends -= {client, server}

    def _bring(self, server: socket.socket, client: socket.socket) -> None:
        """Bring the client what the server says, as far and as fast as the cable lets it."""
        room = self._cut_after
        while not self._gone.is_set() and (block := server.recv(min(room, self._step))):
            self._take_time(len(block))
            client.sendall(block)
            self.carried += len(block)
            room -= len(block)
            if not room:
                return

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while block := client.recv(BLOCK):
                self.asked += len(block)
                server.sendall(block)
        _hang_up(server)

    @property
    def _step(self) -> int:
        """Bytes to take at a time: those of a tenth of a second."""
        return min(BLOCK, self.rate // 10 + 1) if self.rate else BLOCK

    def _take_time(self, size: int) -> None:
        while self.rate == 0 and not self._gone.wait(0.05):
            pass
        if rate := self.rate:
            self._gone.wait(size / rate)


def _hang_up(end: socket.socket) -> None:
    """End a connection, or a listener, also for the thread that waits at it."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
