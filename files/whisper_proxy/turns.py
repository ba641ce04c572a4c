"""Where turns begin and end in live sound, and on which words transcripts agree: decisions."""

from dataclasses import dataclass
from typing import Literal

from .audio import BYTES_A_SECOND, RATE

FRAME_SAMPLES = 512  # of which Silero's model tells the probability of speech, at 16 kHz
FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_MS = 1000 * FRAME_SAMPLES // RATE
# Of speech, before a turn begins: a click has one frame.
FIRST_FRAMES = 2
# Speech goes on down to this much less than began it, as in Silero's own iterator.
HYSTERESIS = 0.15
MIN_THRESHOLD = 0.01

Change = Literal["started", "stopped"]


@dataclass(frozen=True)
class TurnDetection:
    """What a turn is, by OpenAI's names for it.

    threshold: the probability of speech that begins it. prefix_padding_ms: of what came before, so
    much is part of it. silence_duration_ms: of silence, which ends it.
    """

    threshold: float = 0.3
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500

    @property
    def prefix_bytes(self) -> int:
        """The sound before its first frame that is part of it, at 16 kHz."""
        return milliseconds_to_bytes(self.prefix_padding_ms)


class Turns:
    """Follows the probabilities of speech, one for each frame."""

    def __init__(self, detection: TurnDetection, *, speaking: bool = False) -> None:
        self._begins = detection.threshold
        self._goes_on = max(MIN_THRESHOLD, detection.threshold - HYSTERESIS)
        self._last = max(1, round(detection.silence_duration_ms / FRAME_MS))
        self.speaking = speaking
        self._frames = 0  # that speak for a change, one after the other

    def next(self, probability: float) -> Change | None:
        """Return what changes with this frame."""
        if self.speaking:
            return self._stopped(probability < self._goes_on)
        return self._started(probability >= self._begins)

    def _started(self, speech: bool) -> Change | None:
        self._frames = self._frames + 1 if speech else 0
        if self._frames < FIRST_FRAMES:
            return None
        self.speaking, self._frames = True, 0
        return "started"

    def _stopped(self, silence: bool) -> Change | None:
        self._frames = self._frames + 1 if silence else 0
        if self._frames < self._last:
            return None
        self.reset()
        return "stopped"

    def reset(self) -> None:
        """Nobody speaks."""
        self.speaking, self._frames = False, 0


def milliseconds_to_bytes(milliseconds: int) -> int:
    """Return how many bytes of 16 kHz PCM so many milliseconds have."""
    return milliseconds * BYTES_A_SECOND // 1000


def bytes_to_milliseconds(size: int) -> int:
    """Return how many milliseconds so many bytes of 16 kHz PCM last."""
    return size * 1000 // BYTES_A_SECOND


class Deltas:
    """The words of a turn that were sent while it was spoken.

    Whisper changes its mind about the last words that it hears, and OpenAI's deltas cannot be taken
    back. So those are sent on which two transcripts in a row agree, but for the last word, which
    may be half of one (local agreement: Liu et al., Low-Latency Sequence-to-Sequence Speech
    Recognition and Translation by Partial Hypothesis Selection, 2020). Case and punctuation do not
    count.
    """

    def __init__(self) -> None:
        self._sent: list[str] = []
        self._before: list[str] = []

    def heard(self, text: str) -> str:
        """Return what to add to what was sent, after a transcript of the turn up to now."""
        words = text.split()
        agreed = _common(words, self._before)
        self._before = words
        return self._send(words[: min(agreed, len(words) - 1)])

    def final(self, text: str) -> str:
        """Return what to add, after the last transcript: nothing if that has other words."""
        return self._send(text.split())

    def _send(self, words: list[str]) -> str:
        count = len(self._sent)
        if _common(words, self._sent) < count:
            return ""
        added, self._sent = words[count:], words if len(words) > count else self._sent
        return (" " if count and added else "") + " ".join(added)


def _common(left: list[str], right: list[str]) -> int:
    """Return how many words are the same at the beginning of both."""
    pairs = zip(map(_plain, left), map(_plain, right), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))


def _plain(word: str) -> str:
    return "".join(filter(str.isalnum, word.casefold())) or word
