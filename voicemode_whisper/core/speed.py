"""How fast a build transcribes the sample, with and without flash attention, and which is better.

Which of the two is faster depends on the GPU, on ROCm and on whisper.cpp: smoke-test.sh tries both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from voicemode_whisper.core.speech import SAMPLE_SECONDS

# How a section of the smoke test's log is named, and what its program was given. whisper.cpp v1.7
# has no flag that turns flash attention off: it is off there unless asked for.
FLAGS = {"whisper-cli-fa": "-fa", "whisper-cli-nfa": "-nfa", "whisper-cli-plain": ""}
# An upgrade that is slower than that is told of.
TOLERANCE = 0.1


@dataclass(frozen=True)
class Speed:
    """One run over the sample, in milliseconds as whisper.cpp measured them; `flag` as in FLAGS.

    `processor` are milliseconds of all processors, where these and no GPU did the work.
    `total` is that of a program that loads the model first, as the guide's figures are.
    """

    flag: str
    load: float
    encode: float
    total: float
    processor: float | None = None

    @property
    def flash_attention(self) -> bool:
        """Whether it ran with flash attention."""
        return self.flag == "-fa"

    @property
    def work(self) -> float:
        """Milliseconds without loading the model, which a server does once."""
        return self.total - self.load

    @property
    def cost(self) -> float:
        """What is compared: what else runs on a processor makes the work longer, but not more."""
        return self.work if self.processor is None else self.processor

    @property
    def times_real_time(self) -> float:
        """Seconds of speech transcribed in a second."""
        return SAMPLE_SECONDS * 1000 / self.total

    @property
    def label(self) -> str:
        """For people: "480 ms total, 93 ms encode, 23x real time"."""
        return (
            f"{self.total:.0f} ms total, {self.encode:.0f} ms encode, "
            f"{self.times_real_time:.3g}x real time"
        )

    @property
    def record(self) -> dict[str, Any]:
        """What the manifest has of it. The real-time factor is seconds taken for one of speech."""
        return {
            "flag": self.flag,
            "load": self.load,
            "encode": self.encode,
            "total": self.total,
            "real_time_factor": round(self.total / 1000 / SAMPLE_SECONDS, 4),
            **({} if self.processor is None else {"processor": self.processor}),
        }

    @classmethod
    def recorded(cls, record: Mapping[str, Any]) -> "Speed":
        """What `record` recorded."""
        processor = record.get("processor")
        return cls(record["flag"], record["load"], record["encode"], record["total"], processor)


def fastest(speeds: Iterable[Speed]) -> Speed | None:
    """The fastest in service; None where nothing was measured."""
    return min(speeds, key=lambda speed: speed.cost, default=None)


def is_slower(new: Speed, old: Speed) -> bool:
    """Whether the new one is slower than the old by more than measuring it twice would be."""
    return new.work > old.work * (1 + TOLERANCE)
