"""Estimates how long an inference takes, from the length of the recording and from those before.

Whisper encodes windows of 30 s, whether they are full or not, and decodes what was said in them. So
an inference costs windows x (encoding + factor x seconds of audio in a window), and a line through
what inferences took, per window, has both.
"""

import math
from dataclasses import dataclass

WINDOW_SECONDS = 30.0  # Whisper's input window
DECAY = 15 / 16  # of a measurement's weight with each that follows: about the last 16 count
# How far measurements must differ in length before a part of the cost is believed to be fixed.
# Until then all of it grows with the length: after a long recording a short one counts as short.
RIDGE = 0.05
# Whisper decodes a window up to 6 times (at temperatures from 0 to 1), each time up to 220 tokens
# (whisper.cpp's n_text_ctx / 2 - 4), where 30 s of speech have about 75. The rest is for a GPU
# that other programs use too.
WORST = 20.0
MIN_LIMIT_SECONDS = 30.0
# At least this share of the recording, as only silence may have been measured, which costs little.
MIN_LIMIT_FACTOR = 0.25
# Before anything is measured: the largest model on a few old cores, 10 times slower than speech.
UNMEASURED_LIMIT_SECONDS = 300.0
UNMEASURED_LIMIT_FACTOR = 10.0


def windows(seconds: float) -> int:
    """Return how many windows Whisper makes of this much audio: at least one."""
    return max(1, math.ceil(seconds / WINDOW_SECONDS))


@dataclass(frozen=True)
class Line:
    """The cost of a window in seconds: fixed + factor x the seconds of audio in it."""

    fixed: float = 0.0
    factor: float = 0.0

    def cost(self, seconds: float) -> float:
        """Return how many seconds the inference of this much audio takes."""
        return windows(seconds) * self.fixed + seconds * self.factor


class InferenceCost:
    """What an inference costs on this machine, learned from those that ended.

    trusted: whether what was measured bounds the next ones.
    """

    def __init__(self) -> None:
        self.trusted = False
        self._line = Line()
        self._forget()

    def _forget(self) -> None:
        # Weighted sums over the measurements (x: seconds of audio, y: of inference, by window).
        self._n = self._x = self._xx = self._y = self._xy = 0.0

    def record(self, audio_seconds: float, took: float) -> None:
        """Learn what an inference took."""
        if not self.trusted:
            self._forget()
        self.trusted = True
        count = windows(audio_seconds)
        x, y = audio_seconds / count, took / count
        self._n = self._n * DECAY + 1
        self._x = self._x * DECAY + x
        self._xx = self._xx * DECAY + x * x
        self._y = self._y * DECAY + y
        self._xy = self._xy * DECAY + x * y
        self._line = self._fitted()

    def _fitted(self) -> Line:
        """Return the line of least squares, with neither part below 0 (see RIDGE)."""
        determinant = (self._n + RIDGE) * self._xx - self._x**2
        if not determinant:  # no audio at all
            return Line(fixed=self._y / self._n)
        fixed = (self._y * self._xx - self._x * self._xy) / determinant
        factor = ((self._n + RIDGE) * self._xy - self._x * self._y) / determinant
        if fixed < 0:
            return Line(factor=self._xy / self._xx)
        return Line(fixed, factor) if factor >= 0 else Line(fixed=self._y / self._n)

    def distrust(self) -> None:
        """whisper-server was restarted, and may come back without its GPU.

        What is expected stays as it was until the next inference ends.
        """
        self.trusted = False

    def trust(self) -> None:
        """It uses its GPU, so that it is not slower than before."""
        self.trusted = bool(self._n)

    def expected(self, seconds: float) -> float:
        """Return the seconds that an inference of this much audio takes; 0 if nothing is known."""
        return self._line.cost(seconds)

    def limit(self, seconds: float) -> float:
        """Return the seconds after which an inference of this much audio is hung."""
        if not self.trusted:
            return UNMEASURED_LIMIT_SECONDS + UNMEASURED_LIMIT_FACTOR * seconds
        expected = self.expected(seconds)
        return max(MIN_LIMIT_SECONDS, WORST * expected, MIN_LIMIT_FACTOR * seconds)
