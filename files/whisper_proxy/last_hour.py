"""What was asked for in the last hour, minute by minute, in memory of a fixed size."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MINUTES = 60
SECONDS = 60.0
# Of a client that went away before its answer; nothing has failed.
NOT_FAILED = ("ok", "client_gone")


@dataclass
class Minute:
    """One minute's requests: how many, how many of them failed, and what they cost in seconds."""

    requests: int = 0
    failed: int = 0
    longest_wait: float | None = None
    inference_seconds: float = 0.0
    audio_seconds: float = 0.0

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of inference per second of audio; None without any."""
        return self.inference_seconds / self.audio_seconds if self.audio_seconds else None


class LastHour:
    """The last sixty minutes, the one that runs now among them. now: seconds that only grow."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._minute = now() // SECONDS
        self._minutes = deque((Minute() for _ in range(MINUTES)), MINUTES)

    def record_request(self, outcome: str) -> None:
        """Record that a request for a transcription ended: "ok", or with an error's code."""
        minute = self._current()
        minute.requests += 1
        minute.failed += outcome not in NOT_FAILED

    def record_wait(self, seconds: float) -> None:
        """Record for how long a request waited for its turn."""
        minute = self._current()
        minute.longest_wait = max(minute.longest_wait or 0.0, seconds)

    def record_inference(self, seconds: float, audio_seconds: float) -> None:
        """Record a successful inference."""
        minute = self._current()
        minute.inference_seconds += seconds
        minute.audio_seconds += audio_seconds

    def columns(self) -> dict[str, Any]:
        """Return lists with a number for each minute, the current one last; None where none is.

        requests, failed: counts. longest_wait: seconds. real_time_factor: seconds of inference per
        second of audio.
        """
        self._current()
        return {
            "requests": [one.requests for one in self._minutes],
            "failed": [one.failed for one in self._minutes],
            "longest_wait": [_rounded(one.longest_wait) for one in self._minutes],
            "real_time_factor": [_rounded(one.real_time_factor) for one in self._minutes],
        }

    def _current(self) -> Minute:
        minute = self._now() // SECONDS
        for _ in range(int(min(minute - self._minute, MINUTES))):
            self._minutes.append(Minute())
        self._minute = minute
        return self._minutes[-1]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
