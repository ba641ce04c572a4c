"""Requests at a steady rate, each told apart and accounted for."""

import io
import threading
import time
import wave
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from statistics import median

import requests

from voicemode_whisper.core.speech import is_spoken

RIGHT = "right"
SPEECH_EVERY = 10
ANSWER_SECONDS = 120  # no client waits longer; OpenAI's own would for ten minutes


def cut(recording: bytes, seconds: float) -> bytes:
    """The beginning of a WAV file."""
    output = io.BytesIO()
    with wave.open(io.BytesIO(recording)) as source, wave.open(output, "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(int(seconds * source.getframerate())))
    return output.getvalue()


def kind(text: str) -> str:
    """Which recording a transcript is of: all of the speech, its beginning, or an instant of it."""
    if is_spoken(text):
        return "whole"
    if "fellow americans" in text.lower():
        return "beginning"
    return f"neither: {text!r}" if text.strip() else "instant"


def heard(url: str, audio: bytes) -> str:
    """What the proxy at `url` hears in a recording, in the one format that the guide's has too."""
    answer = requests.post(
        f"{url}/v1/audio/transcriptions",
        files={"file": ("audio.wav", audio)},
        data={"model": "whisper-1", "response_format": "json"},
        timeout=ANSWER_SECONDS,
    )
    answer.raise_for_status()
    return str(answer.json()["text"])


@dataclass(frozen=True)
class Answer:
    """What became of one request: when it was sent and answered, and RIGHT or what was wrong."""

    recording: str
    sent: float
    ended: float
    outcome: str

    @property
    def wait(self) -> float:
        return self.ended - self.sent


class Load:
    """Requests that are sent at a steady rate, whatever becomes of those before.

    Each has a thread and a connection of its own, so that one that waits holds up no other.

    Every tenth is speech, unless the one before is still under way; the others are an instant of
    it. whisper.cpp encodes half a minute for whatever it hears, which takes two cores half a second
    or, while they compile, several; but what is shorter than a tenth of a second it answers at
    once, with no words. So any machine bears the load, and an instant goes the same way, and is
    lost as easily.
    """

    def __init__(self, url: str, speech: bytes, rate: float) -> None:
        self.answers: list[Answer] = []
        self.rate = rate
        self._url = url
        self._recordings = {"beginning": cut(speech, 2.5), "instant": cut(speech, 0.05)}
        self._threads: list[threading.Thread] = []
        self._done = threading.Event()
        self._speaking = threading.Lock()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Send while the context lasts; at its end every request has been answered or given up."""
        clock = threading.Thread(target=self._send_all)
        clock.start()
        try:
            yield
        finally:
            self._done.set()
            clock.join()
            for thread in self._threads:
                thread.join()
            self.answers.sort(key=lambda answer: answer.sent)

    def _send_all(self) -> None:
        begun = time.monotonic()
        for number in count():
            if self._done.wait(begun + number / self.rate - time.monotonic()):
                return
            speech = number % SPEECH_EVERY == 0 and self._speaking.acquire(blocking=False)
            thread = threading.Thread(target=self._speak if speech else self._send)
            self._threads.append(thread)
            thread.start()

    def _speak(self) -> None:
        try:
            self._send("beginning")
        finally:
            self._speaking.release()

    def _send(self, name: str = "instant") -> None:
        sent = time.monotonic()
        outcome = self._outcome(name)
        self.answers.append(Answer(name, sent, time.monotonic(), outcome))

    def _outcome(self, name: str) -> str:
        try:
            found = kind(heard(self._url, self._recordings[name]))
        except Exception as error:
            return f"lost: {type(error).__name__}: {error}"
        return RIGHT if found == name else f"wrong: {found} for {name}"

    @property
    def failed(self) -> Counter[str]:
        """What became of the requests that have no right answer."""
        return Counter(answer.outcome for answer in self.answers if answer.outcome != RIGHT)

    @property
    def right(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.outcome == RIGHT]

    @property
    def speeches(self) -> int:
        """How many recordings of speech were transcribed."""
        return sum(answer.recording == "beginning" for answer in self.right)

    @property
    def sent_rate(self) -> float:
        """Requests a second, as they were really sent."""
        return (len(self.answers) - 1) / (self.answers[-1].sent - self.answers[0].sent)

    @property
    def longest_gap(self) -> float:
        """The longest time, in seconds, in which no right answer came."""
        ends = sorted(answer.ended for answer in self.right)
        return max(later - earlier for earlier, later in pairwise(ends))

    def __str__(self) -> str:
        waits = [answer.wait for answer in self.right]
        return (
            f"{len(self.answers)} requests sent at {self.sent_rate:.2f} a second, "
            f"{len(waits)} answered right ({self.speeches} of them speech), "
            f"{self.failed.total()} lost; longest wait {max(waits):.1f} s, "
            f"p50 {median(waits):.2f} s; "
            f"longest time without a right answer {self.longest_gap:.1f} s"
        )
