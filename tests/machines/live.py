"""Live speech in real time to a real proxy, and what becomes of each turn."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from tests.proxy.live import COMPLETED, DELTA, FAILED, RATE, Live, live, silence, speech

PIECE_SECONDS = 0.1
PIECE = 2 * round(RATE * PIECE_SECONDS)
SILENCE_MS = 500  # of the default server_vad, which is part of what its audio_end_ms says
# Of the sentence, what tiny.en hears in every turn that has it.
WORDS = ("fellow americans", "ask not", "country can do for you", "for your country")


@dataclass(frozen=True)
class Heard:
    """A turn's transcript, and how many seconds after the end of its speech it came."""

    text: str
    latency: float


class Speaker:
    """Speaks in real time. heard: what came back, by turn; failed: what was lost."""

    def __init__(self, client: Live) -> None:
        self._client = client
        self._began = time.monotonic()
        self._sent = 0.0
        self._ended: dict[str, float] = {}
        self.heard: list[Heard] = []
        self.failed: list[str] = []
        self.deltas = 0

    @property
    def waiting(self) -> int:
        """How many turns have no transcript yet."""
        return len(self._ended) - len(self.heard) - len(self.failed)

    async def speak(self, pcm: bytes) -> None:
        """Send sound as a microphone does."""
        for at in range(0, len(pcm), PIECE):
            await self._client.append(pcm[at : at + PIECE], PIECE)
            self._sent += PIECE_SECONDS
            await asyncio.sleep(max(0.0, self._began + self._sent - time.monotonic()))

    async def listen(self) -> None:
        """Note what comes, until it is cancelled."""
        while True:
            event = await self._client.next(seconds=600)
            if event["type"] == "input_audio_buffer.speech_stopped":
                end = (event["audio_end_ms"] - SILENCE_MS) / 1000
                self._ended[event["item_id"]] = self._began + end
            elif event["type"] == COMPLETED:
                latency = time.monotonic() - self._ended[event["item_id"]]
                self.heard.append(Heard(event["transcript"], latency))
            elif event["type"] in (FAILED, "error"):
                self.failed.append(str(event["error"]))
            self.deltas += event["type"] == DELTA

    async def finish(self, seconds: float) -> None:
        """Return when everything has its transcript."""
        async with asyncio.timeout(seconds):
            while self.waiting:
                await asyncio.sleep(0.05)

    def times_heard(self) -> list[int]:
        """Return how often each of WORDS was heard."""
        text = re.sub(r"[^a-z]+", " ", " ".join(one.text for one in self.heard).lower())
        return [text.count(words) for words in WORDS]


@asynccontextmanager
async def speaker(http: aiohttp.ClientSession, url: str) -> AsyncIterator[Speaker]:
    """Open a session, and listen to it."""
    async with live(http, url) as client:
        await client.update({"transcription": {"model": "whisper-1", "language": "en"}})
        found = Speaker(client)
        listening = asyncio.create_task(found.listen())
        try:
            yield found
        finally:
            listening.cancel()
            await asyncio.wait({listening})


def sentence(pause: float) -> bytes:
    """Return President Kennedy's sentence and a pause."""
    return speech() + silence(pause)
