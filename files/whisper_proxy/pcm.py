"""Live sound as clients send it, to what Whisper and the VAD model take: 16 kHz, 16-bit PCM.

Python has no resampler, and its G.711 (audioop) is gone since 3.13. Packages that have one need
NumPy, which nothing else here does; an ffmpeg for each session takes 30 MB, and holds sound back.
"""

import math
import operator
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .audio import RATE

PCM, MU_LAW, A_LAW = "audio/pcm", "audio/pcmu", "audio/pcma"
TELEPHONE_RATE = 8000  # of G.711
# Of the lower rate's half, what passes undamped. From the half on all is stopped: it would alias.
PASSED = 0.83
STOPPED_DB = 60.0
# Kaiser's formulas for the length and the shape of a filter: Oppenheim and Schafer, Discrete-Time
# Signal Processing, section 7.5.3.
KAISER_LENGTH, KAISER_OFFSET = 2.285, 7.95
KAISER_BETA = 0.1102 * (STOPPED_DB - 8.7)
BITS = 15  # of the taps, which are whole numbers: twice as fast as fractions


@dataclass(frozen=True)
class Format:
    """How a client sends sound. kind: PCM, MU_LAW or A_LAW. rate: samples a second."""

    kind: str = PCM
    rate: int = 24000

    @property
    def bytes_a_second(self) -> int:
        """How many bytes of it there are in a second."""
        return self.rate * (2 if self.kind == PCM else 1)


class Intake:
    """Takes sound of one format as it comes, and returns it as 16-bit PCM of 16 kHz."""

    def __init__(self, given: Format) -> None:
        self._table = _TABLES.get(given.kind)
        self._resampler = None if given.rate == RATE else Resampler(given.rate)
        self._odd = b""  # the first half of a sample

    def feed(self, data: bytes) -> bytes:
        """Return what the next bytes add. A sample may come in two parts."""
        samples = self._samples(data)
        found = self._resampler.feed(samples) if self._resampler else samples
        return _clipped(found).tobytes()

    def _samples(self, data: bytes) -> list[int]:
        if self._table:
            return list(map(self._table.__getitem__, data))
        data = self._odd + data
        whole = len(data) - len(data) % 2
        self._odd = data[whole:]
        return list(array("h", data[:whole]))


class Resampler:
    """A polyphase FIR filter from one rate to RATE, for samples that come bit by bit."""

    def __init__(self, rate: int) -> None:
        common = math.gcd(rate, RATE)
        self._up, self._down = RATE // common, rate // common
        self._phases = phases(rate, self._up)
        self._length = len(self._phases[0])
        self._held = [0] * (self._length - 1)
        self._at = 0  # of the next sample: steps of 1 / (up x rate) from the first that is not held

    def feed(self, samples: Sequence[int]) -> list[int]:
        """Return the samples that the next ones make, which may be louder than 16 bits are."""
        window = [*self._held, *samples]
        places = range(self._at, self._up * len(samples), self._down)
        found = [self._filtered(window, *divmod(place, self._up)) for place in places]
        self._at += len(found) * self._down - self._up * len(samples)
        self._held = window[len(samples) :]
        return found

    def _filtered(self, window: Sequence[int], at: int, phase: int) -> int:
        return _sumprod(self._phases[phase], window[at : at + self._length]) >> BITS


def phases(rate: int, up: int) -> list[list[int]]:
    """Return the taps of each phase, the one for the oldest sample first.

    Together they are a sinc in Kaiser's window, at `up` times the rate; each adds up to 1 << BITS.
    """
    half = min(rate, RATE) / 2
    width = (1 - PASSED) * half / (up * rate)  # of the transition, in cycles a sample
    taps = (STOPPED_DB - KAISER_OFFSET) / (KAISER_LENGTH * 2 * math.pi * width)
    length = up * math.ceil(taps / up)
    middle, cutoff = (length - 1) / 2, (1 + PASSED) * half / (up * rate)
    shape = [_tap(number - middle, middle, cutoff) for number in range(length)]
    return [_whole(shape[phase::up][::-1]) for phase in range(up)]


def _tap(at: float, middle: float, cutoff: float) -> float:
    sinc = math.sin(math.pi * cutoff * at) / (math.pi * at) if at else cutoff
    return sinc * _bessel(KAISER_BETA * math.sqrt(max(0.0, 1 - (at / middle) ** 2)))


def _bessel(x: float) -> float:
    """Return the modified Bessel function of the first kind of order 0, by its series."""
    return math.fsum((x / 2) ** (2 * k) / math.factorial(k) ** 2 for k in range(25))


def _whole(taps: Sequence[float]) -> list[int]:
    factor = (1 << BITS) / math.fsum(taps)
    return [round(tap * factor) for tap in taps]


def _products(left: Iterable[int], right: Iterable[int]) -> int:
    return sum(map(operator.mul, left, right))


# Of Python 3.12 and later, twice as fast.
_sumprod = getattr(math, "sumprod", _products)


def _clipped(samples: Sequence[int]) -> "array[int]":
    try:
        return array("h", samples)
    except OverflowError:
        return array("h", [max(-32768, min(32767, sample)) for sample in samples])


def _mu_law(code: int) -> int:
    """Return the sample of a code of G.711's μ-law (ITU-T G.711, table 2), in 16 bits."""
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -size if code & 0x80 else size


def _a_law(code: int) -> int:
    """Return the sample of a code of G.711's A-law (ITU-T G.711, table 1), in 16 bits."""
    code ^= 0x55
    segment, size = code >> 4 & 7, (code & 0x0F) << 4 | 8
    size = size + 0x100 << segment - 1 if segment else size
    return size if code & 0x80 else -size


_TABLES = {MU_LAW: [*map(_mu_law, range(256))], A_LAW: [*map(_a_law, range(256))]}
