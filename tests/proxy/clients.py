"""Clients of the proxy whose recordings and answers are counted.

Each recording is sent once, and its transcript is its digest: an answer that went to the wrong
client shows, and so does one that went to two.
"""

import io
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from .echo_whisper import transcript
from .raw import FORM, TRANSCRIPTIONS, end, part
from .samples import silence


def recording(number: int, seconds: float = 0.2) -> bytes:
    """Return a WAV file that differs from those of other numbers."""
    audio = silence(seconds)
    return audio[:-8] + number.to_bytes(8, "little")


@dataclass
class Tally:
    """What was sent, and what came back."""

    sent: int = 0
    answered: int = 0
    wrong: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        return self.sent - self.answered - self.refused

    @property
    def twice(self) -> int:
        """How many transcripts came to more than one client."""
        return sum(count > 1 for count in self.received.values())

    def __str__(self) -> str:
        return (
            f"{self.sent} sent: {self.answered} answered, {self.refused} refused with a 503, "
            f"{self.lost} lost, {self.wrong} wrong, {self.twice} sent to two"
        )

    def check(self) -> None:
        assert not self.failures
        assert (self.lost, self.wrong, self.twice) == (0, 0, 0)


async def transcribe(
    session: aiohttp.ClientSession, url: str, tally: Tally, seconds: float = 0.2
) -> None:
    """Send a recording that is like no other, and note what comes of it."""
    tally.sent += 1
    audio = recording(tally.sent, seconds)
    body = io.BytesIO(part(b"file", audio, filename=b"speech.wav") + end())
    headers = {"Content-Type": FORM}
    async with session.post(url + TRANSCRIPTIONS, data=body, headers=headers) as response:
        answer = await response.json()
    if response.status == 200:
        tally.answered += 1
        tally.received[answer["text"]] += 1
        tally.wrong += answer["text"] != transcript(audio)
    elif response.status == 503 and response.headers.get("Retry-After", "").isdecimal():
        tally.refused += 1
    else:
        tally.failures.append(f"{response.status} {answer}")
