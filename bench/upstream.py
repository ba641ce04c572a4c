"""A fake whisper-server that answers at once: `python -m bench.upstream PORT`.

Fake, because the real one's inference takes a hundred times as long as any proxy, and varies by
more than a proxy costs. It reads each request to its end, as the real one does before it begins,
and its answer is one that the real one gave.
"""

import asyncio
import sys
from pathlib import Path

RECORDING = Path(__file__).parents[1] / "tests" / "proxy" / "recordings" / "v1.9.1-speech.json"
BUFFER_BYTES = 1024 * 1024
HEAD_END = b"\r\n\r\n"


def answer(body: bytes) -> bytes:
    """Return a 200 with this JSON."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + HEAD_END + body


def body_bytes(head: bytes) -> int:
    """Return how many bytes follow a request's head: all contenders say it beforehand."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


class Instant(asyncio.BufferedProtocol):
    """One connection. Bodies are received into the same memory again and again, and dropped."""

    transport: asyncio.Transport

    def __init__(self, canned: bytes) -> None:
        self.canned = canned
        self._memory = memoryview(bytearray(BUFFER_BYTES))
        self._head = b""
        self._missing = 0  # bytes of the body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the memory for what comes next."""
        return self._memory

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of what came."""
        if self._missing:
            self._received(nbytes)
        else:
            self._head += self._memory[:nbytes]
            self._begin()

    def _begin(self) -> None:
        head, ended, rest = self._head.partition(HEAD_END)
        if ended:
            self._head = b""
            self._closing = b"connection: close" in head.lower()
            self.begun(head)
            self._missing = body_bytes(head)
            self._received(len(rest))

    def _received(self, count: int) -> None:
        self._missing -= count
        if not self._missing:
            self.complete()

    def begun(self, head: bytes) -> None:
        """Take note of a request's head."""

    def complete(self) -> None:
        """Answer a request that was read to its end."""
        self.send(self.canned)

    def send(self, data: bytes) -> None:
        """Send an answer, the last one if the client wants no other."""
        self.transport.write(data)
        if self._closing:
            self.transport.close()


async def serve(port: int) -> None:
    """Serve until ended."""
    canned = answer(RECORDING.read_bytes())
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Instant(canned), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
