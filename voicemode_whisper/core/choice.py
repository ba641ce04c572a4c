"""Which of several builds serves, where more than one backend can use the GPU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voicemode_whisper.core.acceptance import (
    cold_start,
    is_accepted,
    recorded_speeds,
    refusal,
    served,
)
from voicemode_whisper.core.build import NAMES
from voicemode_whisper.core.generations import Alternative, GenerationSpec
from voicemode_whisper.core.models import Model
from voicemode_whisper.core.speed import Speed, fastest
from voicemode_whisper.core.table import aligned


@dataclass(frozen=True)
class Choice:
    """Specs that differ in their backend, in the order in which they are preferred.

    `by_speed` is whether the fastest of those that are accepted serves, and not the first.
    """

    specs: tuple[GenerationSpec, ...]
    by_speed: bool = False


@dataclass(frozen=True)
class Candidate:
    """A build for one backend: its path below services/ and its manifest, empty if it has none."""

    backend: str
    build: str
    manifest: Mapping[str, Any]

    def speed(self, model: Model) -> Speed | None:
        """How fast it is with this model, in the way in which it would serve."""
        return fastest(recorded_speeds(self.manifest, model))


def choose(candidates: Sequence[Candidate], model: Model, by_speed: bool) -> int:
    """The place of the one that serves: the first that was accepted, or of these the fastest.

    Where none was, the last: what becomes of it decides.
    """
    accepted = [place for place, one in enumerate(candidates) if is_accepted(one.manifest, model)]
    if not accepted:
        return len(candidates) - 1
    if not by_speed:
        return accepted[0]
    return min(accepted, key=lambda place: _cost(candidates[place].speed(model)))


def _cost(speed: Speed | None) -> float:
    return speed.work if speed else float("inf")


def alternative(candidate: Candidate, model: Model) -> Alternative | None:
    """What a generation remembers of a candidate that does not serve; None if it was not tried."""
    refused = refusal(candidate.manifest, model)
    if refused:
        when, why = refused
        return Alternative(candidate.backend, candidate.build, why, when)
    speed = candidate.speed(model)
    if speed is None:
        return None
    return Alternative(candidate.backend, candidate.build, milliseconds=speed.work)


def comparison(candidates: Sequence[Candidate], model: Model, chosen: int) -> list[str]:
    """A table of the candidates that were timed, a line each, below a heading."""
    rows: list[tuple[str, ...]] = [
        ("", "cold start", "11 s of speech", "encode", "GPU memory", "idle", "")
    ]
    for place, one in enumerate(candidates):
        speed = one.speed(model)
        if speed:
            mark = "serves" if place == chosen else ""
            rows.append((NAMES[one.backend], *_figures(one, model, speed), mark))
    return aligned(rows) if len(rows) > 2 else []


def _figures(candidate: Candidate, model: Model, speed: Speed) -> tuple[str, ...]:
    cold, server = cold_start(candidate.manifest, model), served(candidate.manifest, model)
    return (
        f"{cold:.0f} ms" if cold else "",
        f"{speed.total:.0f} ms",
        f"{speed.encode:.0f} ms",
        f"{server['memory'] >> 20} MiB" if "memory" in server else "",
        f"{server['watts']} W" if "watts" in server else "",
    )
