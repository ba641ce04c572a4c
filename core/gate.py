"""What a build has to show before it may serve, read from the log that try.sh writes.

Both programs of the build transcribe whisper.cpp's sample with the model that is to serve. The log
has a section for each: a line `### PROGRAM STATUS`, the words it heard, a line `### log`, its log.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.backend_log import backend_in_use
from core.build import PROGRAMS
from core.models import Model
from core.speech import SAMPLE_SECONDS, is_spoken

# Lines of whisper_print_timings, whisper.cpp v1.7.3 to v1.9.3.
TIMINGS = re.compile(r"whisper_print_timings:\s+(load|encode|total) time =\s*([0-9.]+) ms")


@dataclass(frozen=True)
class Trial:
    """What one program made of the sample: its exit status, the words, the lines of its log."""

    program: str
    status: int
    heard: str
    log: tuple[str, ...]

    @property
    def timings(self) -> dict[str, float]:
        """Milliseconds of `load`, `encode` and `total`, as whisper.cpp measured them itself."""
        found = (TIMINGS.search(line) for line in self.log)
        return {match[1]: float(match[2]) for match in found if match}


def parse_trials(lines: Iterable[str]) -> list[Trial]:
    """The trials in the log of try.sh."""
    text = "\n".join(lines)
    sections = re.split(r"^### (whisper-\S+) (\d+)$", text, flags=re.MULTILINE)[1:]
    return [
        _trial(program, int(status), body)
        for program, status, body in zip(*[iter(sections)] * 3, strict=True)
    ]


def _trial(program: str, status: int, body: str) -> Trial:
    heard, _, log = body.partition("\n### log")
    return Trial(program, status, " ".join(heard.split()), tuple(log.strip("\n").splitlines()))


def complaint(trials: Sequence[Trial], backend: str) -> str | None:
    """Why a build for `backend` may not serve, in a line; None when it may."""
    for program in PROGRAMS:
        trial = next((trial for trial in trials if trial.program == program), None)
        reason = _reason(trial, backend) if trial else "was not tried"
        if reason:
            return f"{program} {reason}"
    return None


def _reason(trial: Trial, backend: str) -> str | None:
    if trial.status == 124:
        return "did not transcribe the sample within five minutes"
    if trial.status:
        return f"ended with {_ending(trial.status)}"
    if not is_spoken(trial.heard):
        return f"heard {trial.heard[:200]!r} in President Kennedy's sentence"
    used = backend_in_use(trial.log)
    if used != backend:
        return f"ran on {used or 'nobody knows what'}, asked for was {backend}"
    total = trial.timings.get("total", 0) / 1000
    if backend == "hip" and total > SAMPLE_SECONDS:
        return f"took {total:.1f} s for {SAMPLE_SECONDS} s of speech: no GPU is that slow"
    return None


def _ending(status: int) -> str:
    # A shell adds 128 to the number of the signal.
    return f"signal {status - 128}" if status > 128 else f"exit status {status}"


def has_passed(manifest: Mapping[str, Any], model: Model) -> bool:
    """Whether the build of this manifest has passed the gate with this model."""
    return model.sha256 in manifest.get("gate", {})


def with_trials(
    manifest: Mapping[str, Any], model: Model, when: datetime, trials: Sequence[Trial]
) -> dict[str, Any]:
    """The manifest of a build that has passed the gate with this model: what it showed, and when.

    Times are in milliseconds.
    """
    seen = {
        trial.program: {"heard": trial.heard, "milliseconds": trial.timings} for trial in trials
    }
    entry = {"model": model.file_name, "when": when.isoformat(timespec="seconds"), **seen}
    return {**manifest, "gate": {**manifest.get("gate", {}), model.sha256: entry}}
