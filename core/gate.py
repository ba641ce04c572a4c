"""What a build has to show before it may serve, read from the log that try.sh writes.

Both programs of the build transcribe whisper.cpp's sample with the model that is to serve. The log
has a section for each: a line `### PROGRAM STATUS`, the words it heard, for whisper-server a line
`### memory BYTES` where the kernel accounts the GPU's, a line `### log`, its log. There are such
sections for runs of whisper-cli too that are there for their time (core/speed.py).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.backend_log import usage
from core.build import PROGRAMS, Order
from core.gpu import elsewhere, memory_elsewhere
from core.models import Model
from core.speech import SAMPLE_SECONDS, is_spoken
from core.speed import FLAGS, Speed

# Lines of whisper_print_timings, whisper.cpp v1.7.3 to v1.9.3.
TIMINGS = re.compile(r"whisper_print_timings:\s+(load|encode|total) time =\s*([0-9.]+) ms")


@dataclass(frozen=True)
class Trial:
    """What one program made of the sample: its exit status, the words, the lines of its log.

    `memory` are the bytes of GPU memory that it had, None where that is not known.
    """

    program: str
    status: int
    heard: str
    log: tuple[str, ...]
    memory: int | None = None

    @property
    def timings(self) -> dict[str, float]:
        """Milliseconds of `load`, `encode` and `total`, as whisper.cpp measured them itself."""
        found = (TIMINGS.search(line) for line in self.log)
        return {match[1]: float(match[2]) for match in found if match}


@dataclass(frozen=True)
class Complaint:
    """What is wrong with a build, in a line, and the trial that showed it."""

    reason: str
    trial: Trial | None = None


def parse_trials(lines: Iterable[str]) -> list[Trial]:
    """The trials in the log of try.sh."""
    text = "\n".join(lines)
    sections = re.split(r"^### (whisper-\S+) (\d+)$", text, flags=re.MULTILINE)[1:]
    return [
        _trial(program, int(status), body)
        for program, status, body in zip(*[iter(sections)] * 3, strict=True)
    ]


def _trial(program: str, status: int, body: str) -> Trial:
    above, _, log = body.partition("\n### log")
    heard, _, memory = above.partition("\n### memory ")
    return Trial(
        program,
        status,
        " ".join(heard.split()),
        tuple(log.strip("\n").splitlines()),
        int(memory) if memory else None,
    )


def complaint(trials: Sequence[Trial], order: Order, model: Model) -> Complaint | None:
    """Why the build of this order may not serve with this model; None when it may."""
    for program in PROGRAMS:
        trial = next((trial for trial in trials if trial.program == program), None)
        if trial is None:
            return Complaint(f"{program} was not tried")
        reason = _failure(trial) or _wrong_place(trial, order, model) or _slowness(trial, order)
        if reason:
            return Complaint(f"{program} {reason}", trial)
    return None


def speeds(trials: Sequence[Trial], order: Order, model: Model) -> list[Speed]:
    """The best run of each kind that transcribed the sample on what was asked for."""
    best: dict[str, Speed] = {}
    for trial in trials:
        if trial.program not in FLAGS or _failure(trial) or _wrong_place(trial, order, model):
            continue
        if not {"load", "encode", "total"} <= trial.timings.keys():
            continue
        speed = Speed(FLAGS[trial.program], **trial.timings)
        if speed.flag not in best or speed.work < best[speed.flag].work:
            best[speed.flag] = speed
    return list(best.values())


def _wrong_place(trial: Trial, order: Order, model: Model) -> str | None:
    other = elsewhere(usage(trial.log), order.backend, order.gpu)
    if other is None and order.gpu:
        other = memory_elsewhere(order.gpu, trial.memory, model.size)
    return f"ran on {other}" if other else None


def _slowness(trial: Trial, order: Order) -> str | None:
    seconds = trial.timings.get("total", 0) / 1000
    if order.backend == "cpu" or seconds <= SAMPLE_SECONDS:
        return None
    return f"took {seconds:.1f} s for {SAMPLE_SECONDS} s of speech: no GPU is that slow"


def _failure(trial: Trial) -> str | None:
    if trial.status == 124:
        return "did not transcribe the sample within five minutes"
    if trial.status:
        return f"ended with {_ending(trial.status)}"
    if not is_spoken(trial.heard):
        return f"heard {trial.heard[:200]!r} in President Kennedy's sentence"
    return None


def _ending(status: int) -> str:
    # A shell adds 128 to the number of the signal.
    return f"signal {status - 128}" if status > 128 else f"exit status {status}"


def has_passed(manifest: Mapping[str, Any], model: Model) -> bool:
    """Whether the build of this manifest has passed the gate with this model, speed and all."""
    return "speeds" in _entry(manifest, model)


def recorded_speeds(manifest: Mapping[str, Any], model: Model) -> list[Speed]:
    """How fast the build of this manifest was with this model."""
    return [Speed.recorded(record) for record in _entry(manifest, model).get("speeds", [])]


def _entry(manifest: Mapping[str, Any], model: Model) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = manifest.get("gate", {}).get(model.sha256, {})
    return entry


def with_trials(
    manifest: Mapping[str, Any],
    model: Model,
    when: datetime,
    trials: Sequence[Trial],
    measured: Sequence[Speed],
) -> dict[str, Any]:
    """The manifest of a build that has passed the gate with this model: what it showed, and when.

    Times are in milliseconds.
    """
    seen = {
        trial.program: {"heard": trial.heard, "milliseconds": trial.timings}
        for trial in trials
        if trial.program in PROGRAMS
    }
    entry = {
        "model": model.file_name,
        "when": when.isoformat(timespec="seconds"),
        **seen,
        "speeds": [speed.record for speed in measured],
    }
    return {**manifest, "gate": {**manifest.get("gate", {}), model.sha256: entry}}
