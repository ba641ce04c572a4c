"""Clients that send as fast as they are answered, each of whose answers is accounted for."""

import threading
import time
from collections import Counter
from itertools import cycle
from statistics import median

import requests

from tests.machines.load import RIGHT, heard, kind


def in_words(seconds: list[float]) -> str:
    """What half of them, and nearly all, waited at most."""
    ordered = sorted(seconds)
    return f"p50 {median(ordered):.2f} s, p99 {ordered[int(0.99 * len(ordered))]:.2f} s"


class Clients:
    """Clients that send so many requests, each as soon as its last was answered.

    `recordings` are by what is to be heard in them, and are sent by turns.
    """

    def __init__(
        self, url: str, recordings: dict[str, bytes], count: int, at_once: int = 4
    ) -> None:
        self.answers: Counter[str] = Counter()
        self.ended: list[float] = []
        self.waits: list[float] = []
        self._url, self._recordings, self._left = url, recordings, count
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(at_once)]
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        return self._left <= 0

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        for spoken, recording in cycle(self._recordings.items()):
            if not self._take():
                return
            began = time.monotonic()
            outcome = self._outcome(spoken, recording)
            with self._lock:
                self.answers[outcome] += 1
                self.ended.append(time.monotonic())
                self.waits.append(self.ended[-1] - began)

    def _take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def _outcome(self, spoken: str, recording: bytes) -> str:
        try:
            found = kind(heard(self._url, recording))
        except requests.HTTPError as error:
            return f"lost: {error.response.status_code} {error.response.text}"
        except Exception as error:
            return f"lost: {type(error).__name__}: {error}"
        return RIGHT if found == spoken else f"wrong: {found}, not {spoken}"
