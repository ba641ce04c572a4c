"""What a build has to show before it may serve, read from the log that smoke-test.sh writes.

Both programs of the build transcribe whisper.cpp's sample with the model that is to serve. The log
has a section for each: a line `### PROGRAM STATUS`, the words it heard, for whisper-cli a line
`### processor MILLISECONDS`, for whisper-server a line `### memory BYTES` where the kernel accounts
the GPU's and a line `### watts WATTS` where it says what the GPU draws, a line `### log`, its log.
There are such sections for runs of whisper-cli too that are there for their time (core/speed.py).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voicemode_whisper.core.backend_log import usage
from voicemode_whisper.core.build import PROGRAMS, BuildSpec
from voicemode_whisper.core.models import Model
from voicemode_whisper.core.placement import backend_mismatch, memory_mismatch
from voicemode_whisper.core.speech import SAMPLE_SECONDS, is_spoken
from voicemode_whisper.core.speed import FLAGS, Speed

# The section of whisper-cli's first run, whose time does not count: drivers compile then.
COLD = "whisper-cli-cold"
# What timeout(1) ends with; nothing is run after that.
TIMED_OUT = 124
# Lines of whisper_print_timings, whisper.cpp v1.7.3 to v1.9.3.
TIMINGS = re.compile(r"whisper_print_timings:\s+(load|encode|total) time =\s*([0-9.]+) ms")


@dataclass(frozen=True)
class SmokeTest:
    """What one program made of the sample: its exit status, the words, the lines of its log.

    `memory` are the bytes of GPU memory that it had, `processor` the milliseconds of all processors
    that it took, `watts` what the GPU drew when it had nothing more to do; None where not known.
    """

    program: str
    status: int
    transcript: str
    log: tuple[str, ...]
    memory: int | None = None
    processor: int | None = None
    watts: int | None = None

    @property
    def timings(self) -> dict[str, float]:
        """Milliseconds of `load`, `encode` and `total`, as whisper.cpp measured them itself."""
        found = (TIMINGS.search(line) for line in self.log)
        return {match[1]: float(match[2]) for match in found if match}


@dataclass(frozen=True)
class Rejection:
    """What is wrong with a build, in a line, and the test that showed it."""

    reason: str
    test: SmokeTest | None = None


def parse_smoke_tests(lines: Iterable[str]) -> list[SmokeTest]:
    """The tests in the log of smoke-test.sh."""
    text = "\n".join(lines)
    sections = re.split(r"^### (whisper-\S+) (\d+)$", text, flags=re.MULTILINE)[1:]
    return [
        _trial(program, int(status), body)
        for program, status, body in zip(*[iter(sections)] * 3, strict=True)
    ]


def _trial(program: str, status: int, body: str) -> SmokeTest:
    above, _, log = body.partition("\n### log")
    transcript = above.partition("\n### ")[0]
    notes = dict(re.findall(r"^### (processor|memory|watts) (\d+)$", above, re.MULTILINE))
    return SmokeTest(
        program,
        status,
        " ".join(transcript.split()),
        tuple(log.strip("\n").splitlines()),
        **{name: int(value) for name, value in notes.items()},
    )


def rejection(
    tests: Sequence[SmokeTest], spec: BuildSpec, model: Model, device: str = ""
) -> Rejection | None:
    """Why the build of this spec may not serve with this model; None when it may.

    `device` is the GPU's name in Vulkan.
    """
    hung = next((test for test in tests if test.status == TIMED_OUT), None)
    if hung:
        return Rejection(f"{hung.program} {_failure(hung)}", hung)
    for program in PROGRAMS:
        test = next((test for test in tests if test.program == program), None)
        if test is None:
            return Rejection(f"{program} was not tried")
        reason = _failure(test) or _wrong_place(test, spec, model, device) or _slowness(test, spec)
        if reason:
            return Rejection(f"{program} {reason}", test)
    return None


def speeds(
    tests: Sequence[SmokeTest],
    spec: BuildSpec,
    model: Model,
    device: str = "",
    one_queue: bool | None = None,
) -> list[Speed]:
    """Every run that transcribed the sample on what was asked for; `one_queue` as in `Speed`."""
    return [
        Speed(
            FLAGS[test.program],
            **test.timings,
            # A GPU has the processor wait.
            processor=test.processor if spec.backend == "cpu" else None,
            one_queue=one_queue,
        )
        for test in tests
        if test.program in FLAGS
        and not (_failure(test) or _wrong_place(test, spec, model, device))
        and {"load", "encode", "total"} <= test.timings.keys()
    ]


def _wrong_place(test: SmokeTest, spec: BuildSpec, model: Model, device: str) -> str | None:
    other = backend_mismatch(usage(test.log), spec.backend, spec.gpu, device)
    if other is None and spec.gpu:
        other = memory_mismatch(spec.gpu, test.memory, model.size, spec.backend)
    return f"ran on {other}" if other else None


def _slowness(test: SmokeTest, spec: BuildSpec) -> str | None:
    seconds = test.timings.get("total", 0) / 1000
    # Vulkan is for older and smaller ones too, which may be.
    if spec.backend != "hip" or seconds <= SAMPLE_SECONDS:
        return None
    return f"took {seconds:.1f} s for {SAMPLE_SECONDS} s of speech: no GPU is that slow"


def _failure(test: SmokeTest) -> str | None:
    if test.status == TIMED_OUT:
        return "did not transcribe the sample within five minutes"
    if test.status:
        return f"ended with {_ending(test.status)}"
    if not is_spoken(test.transcript):
        return f"heard {test.transcript[:200]!r} in President Kennedy's sentence"
    return None


def _ending(status: int) -> str:
    # A shell adds 128 to the number of the signal.
    return f"signal {status - 128}" if status > 128 else f"exit status {status}"


def is_accepted(manifest: Mapping[str, Any], model: Model) -> bool:
    """Whether the build of this manifest has passed acceptance with this model, speed and all."""
    return "speeds" in _entry(manifest, model)


def refusal(manifest: Mapping[str, Any], model: Model) -> tuple[str, str] | None:
    """When and why the build of this manifest was refused with this model; None if it was not."""
    entry = _entry(manifest, model)
    return (entry["when"], entry["refused"]) if "refused" in entry else None


def cold_start(manifest: Mapping[str, Any], model: Model) -> float | None:
    """Milliseconds of the first run after the build, which loads or compiles what the GPU runs."""
    times: Mapping[str, float] = _entry(manifest, model).get(COLD, {}).get("milliseconds", {})
    return times.get("total")


def served(manifest: Mapping[str, Any], model: Model) -> Mapping[str, int]:
    """What whisper-server took, where the kernel told: bytes of GPU `memory`, idle `watts`."""
    server: Mapping[str, Any] = _entry(manifest, model).get("whisper-server", {})
    return {name: server[name] for name in ("memory", "watts") if name in server}


def recorded_speeds(manifest: Mapping[str, Any], model: Model) -> list[Speed]:
    """How fast the build of this manifest was with this model."""
    return [Speed.recorded(record) for record in _entry(manifest, model).get("speeds", [])]


def _entry(manifest: Mapping[str, Any], model: Model) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = manifest.get("acceptance", {}).get(model.sha256, {})
    return entry


def record_acceptance(
    manifest: Mapping[str, Any],
    model: Model,
    when: datetime,
    tests: Sequence[SmokeTest],
    measured: Sequence[Speed],
) -> dict[str, Any]:
    """The manifest of a build that has passed acceptance with this model: what it showed, and when.

    Times are in milliseconds.
    """
    seen = {test.program: _shown(test) for test in tests if test.program in (COLD, *PROGRAMS)}
    entry = {"model": model.file_name, "when": when.isoformat(timespec="seconds"), **seen}
    return _with_entry(manifest, model, {**entry, "speeds": [speed.record for speed in measured]})


def _shown(test: SmokeTest) -> dict[str, Any]:
    numbers = {"memory": test.memory, "watts": test.watts}
    known = {name: value for name, value in numbers.items() if value is not None}
    return {"transcript": test.transcript, "milliseconds": test.timings, **known}


def record_refusal(
    manifest: Mapping[str, Any], model: Model, when: datetime, reason: str
) -> dict[str, Any]:
    """The manifest of a build that was refused with this model, where another may serve."""
    refused = {"model": model.file_name, "when": when.isoformat(timespec="seconds")}
    return _with_entry(manifest, model, {**refused, "refused": reason})


def _with_entry(
    manifest: Mapping[str, Any], model: Model, entry: Mapping[str, Any]
) -> dict[str, Any]:
    return {**manifest, "acceptance": {**manifest.get("acceptance", {}), model.sha256: entry}}
