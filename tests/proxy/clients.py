"""Clients of the proxy that count their recordings and answers.

Each recording is unique, and its transcript is its digest, so an answer that goes to the wrong
client, or to two clients, is detected.
"""

import io
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from .echo_whisper import transcript
from .raw import FORM, TRANSCRIPTIONS, end, part
from .samples import silence


def recording(number: int, seconds: float = 0.2) -> bytes:
    """Return a WAV file that is unique to this number."""
    audio = silence(seconds)
    return audio[:-8] + number.to_bytes(8, "little")


@dataclass
class Tally:
    """Counts of requests and answers."""

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
    def duplicated(self) -> int:
        """How many transcripts more than one client received."""
        return sum(count > 1 for count in self.received.values())

    def __str__(self) -> str:
        return (
            f"{self.sent} sent: {self.answered} answered, {self.refused} refused with a 503, "
            f"{self.lost} lost, {self.wrong} wrong, {self.duplicated} sent to two"
        )

    def check(self) -> None:
        assert not self.failures
        assert (self.lost, self.wrong, self.duplicated) == (0, 0, 0)


async def transcribe(
    session: aiohttp.ClientSession, url: str, tally: Tally, seconds: float = 0.2
) -> None:
    """Send a unique recording and count the outcome."""
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
