"""Fake members of a pool, all in one process: `python -m bench.members PORT:SECONDS...`.

Fake, because no machine has sixty GPUs. Each answers a request after so many seconds, as a
whisper-proxy does: it says when it takes one, and reads it to its end.
"""

import asyncio
import sys
from functools import partial

from .upstream import HEAD_END, RECORDING, Instant, answer

CONTINUE = b"HTTP/1.1 100 Continue" + HEAD_END
WELL = b'{"status": "ok"}'


class Timed(Instant):
    """One connection to a member that takes `seconds` for each request."""

    def __init__(self, canned: bytes, seconds: float) -> None:
        super().__init__(canned)
        self._seconds = seconds

    def begun(self, head: bytes) -> None:
        """Say that it takes a request."""
        self._is_check = head.startswith(b"GET ")
        if b"expect: 100-continue" in head.lower():
            self.transport.write(CONTINUE)

    def complete(self) -> None:
        """Answer /health at once, and all else in `seconds`."""
        if self._is_check:
            self.send(answer(WELL))
        else:
            asyncio.get_running_loop().call_later(self._seconds, self.send, self.canned)


async def serve(members: dict[int, float]) -> None:
    """Serve until ended: the seconds by port."""
    canned = answer(RECORDING.read_bytes())
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(partial(Timed, canned, seconds), "127.0.0.1", port, backlog=1024)
        for port, seconds in members.items()
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    given = (argument.split(":") for argument in sys.argv[1:])
    asyncio.run(serve({int(port): float(seconds) for port, seconds in given}))
