"""The fake whisper-server of tests/proxy, in a thread beside the test that tells it what to do."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp.test_utils import TestServer

from tests.ports import free_port
from tests.proxy.fake_whisper import FakeWhisper, address

# As whisper.cpp times the words of a sentence, by its tokens.
SPOKEN = {
    0.0: [("Ask", 0.3, 0.6), ("not", 0.6, 0.9), ("what", 0.9, 1.2), ("your", 1.2, 1.4)],
    2.0: [("country", 2.1, 2.6), ("can", 2.6, 2.8), ("do", 2.8, 3.0), ("<b>for</b>", 3.0, 3.2)],
    3.5: [("you.", 3.5, 4.0)],
}


def answer(duration: float = 4.0) -> dict[str, Any]:
    """whisper-server's verbose_json of a short speech."""
    return {
        "task": "transcribe",
        "language": "english",
        "duration": duration,
        "segments": [_segment(*one) for one in enumerate(SPOKEN.items())],
    }


def _segment(number: int, spoken: tuple[float, list[tuple[str, float, float]]]) -> dict[str, Any]:
    start, words = spoken
    said = [{"word": f" {word}", "start": began, "end": end} for word, began, end in words]
    text = "".join(word["word"] for word in said)  # type: ignore[misc]
    end = words[-1][2]
    return {"id": number, "text": text, "start": start, "end": end, "words": said}


class Whisper:
    """The fake, and where it listens. It can be stopped, and started again at the same place."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._port = free_port()
        self.fake = FakeWhisper(answer=answer())
        self.start()
        self.url = address(self._server)

    def start(self) -> None:
        self._server = TestServer(self.fake.app(), port=self._port)
        self._do(self._server.start_server())

    def stop(self) -> None:
        self._do(self._server.close())

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


@contextmanager
def whisper() -> Iterator[Whisper]:
    """Run one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        running = Whisper(loop)
        yield running
        running.stop()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
