"""How fast a build transcribes the sample, with and without flash attention, and which is better.

Which of the two is faster depends on the GPU, on ROCm and on whisper.cpp: smoke-test.sh tries both.
On HIP it has one hardware queue instead of ROCm's four, and serves so unless that costs time: with
several, the firmware of some cards keeps the clocks up as long as the program lives
(ROCm issue 2625, ROCm/amdgpu issue 153).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voicemode_whisper.core.speech import SAMPLE_SECONDS

# How a section of the smoke test's log is named, and what its program was given. whisper.cpp v1.7
# has no flag that turns flash attention off: it is off there unless asked for.
FLAGS = {"whisper-cli-fa": "-fa", "whisper-cli-nfa": "-nfa", "whisper-cli-plain": ""}
# An upgrade that is slower than that is told of.
TOLERANCE = 0.1
# What one hardware queue may cost, beyond what differs from round to round: of half a second 15 ms,
# which nobody notices, while the watts that it saves are drawn day and night.
QUEUE_TOLERANCE = 0.03
# ROCm's variable for that, as a program has it with one queue.
ONE_QUEUE = {"GPU_MAX_HW_QUEUES": "1"}


@dataclass(frozen=True)
class Speed:
    """One run over the sample, in milliseconds as whisper.cpp measured them; `flag` as in FLAGS.

    `processor` are milliseconds of all processors, where these and no GPU did the work.
    `one_queue` is whether it had ONE_QUEUE; None where there was no such choice.
    `total` is that of a program that loads the model first, as the guide's figures are.
    """

    flag: str
    load: float
    encode: float
    total: float
    processor: float | None = None
    one_queue: bool | None = None

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
            **({} if self.one_queue is None else {"one_queue": self.one_queue}),
        }

    @classmethod
    def recorded(cls, record: Mapping[str, Any]) -> "Speed":
        """What `record` recorded."""
        optional = {name: record.get(name) for name in ("processor", "one_queue")}
        return cls(record["flag"], record["load"], record["encode"], record["total"], **optional)


def fastest(speeds: Iterable[Speed]) -> Speed | None:
    """The fastest in service; None where nothing was measured."""
    return min(speeds, key=lambda speed: speed.cost, default=None)


def best_of_each(runs: Iterable[Speed]) -> list[Speed]:
    """The best run of each flag."""
    best: dict[str, Speed] = {}
    for run in runs:
        if run.flag not in best or run.cost < best[run.flag].cost:
            best[run.flag] = run
    return list(best.values())


def choose_queues(measured: Sequence[Speed], several: Sequence[Speed]) -> list[Speed]:
    """The speeds of a build in the ways that it may serve.

    `measured` are those with one hardware queue, `several` are the runs of the fastest of these
    with ROCm's own number: that stands in its place if it is faster by more than QUEUE_TOLERANCE.
    """
    one, other = fastest(measured), fastest(several)
    if one is None or other is None:
        return list(measured)
    spread = max(run.cost for run in several) / other.cost - 1
    if other.cost * (1 + spread + QUEUE_TOLERANCE) >= one.cost:
        return list(measured)
    return [other if speed == one else speed for speed in measured]


def is_slower(new: Speed, old: Speed) -> bool:
    """Whether the new one is slower than the old by more than measuring it twice would be."""
    return new.work > old.work * (1 + TOLERANCE)
