"""Builds of whisper.cpp."""

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any

from pyinfra import host, logger
from pyinfra.api import StringCommand

from voicemode_whisper.core.acceptance import (
    Rejection,
    is_accepted,
    record_acceptance,
    record_refusal,
    recorded_speeds,
    refusal,
    rejection,
)
from voicemode_whisper.core.build import NAMES, PROGRAMS, VAD_SHA256, VAD_SOURCE, BuildSpec, Recipe
from voicemode_whisper.core.choice import Choice
from voicemode_whisper.core.diagnosis import Finding
from voicemode_whisper.core.generations import GenerationSpec
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.models import Model
from voicemode_whisper.core.speed import Speed, fastest, is_slower
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.operations.util.choice import can_do_without
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.diagnosis import why_not_here
from voicemode_whisper.operations.util.errors import user_error
from voicemode_whisper.operations.util.generations import (
    as_json,
    read_toolchain,
    remember_rejection,
    resolve,
)
from voicemode_whisper.operations.util.progress import with_lock, with_progress
from voicemode_whisper.operations.util.smoke_test import SmokeTestRun, measure
from voicemode_whisper.scripts import script, words

# What the user has built elsewhere, and CMake remembers in ~/.cmake, is no part of it.
NO_REGISTRY = "-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF"


def _now() -> datetime:
    return datetime.now(UTC)


def _path(layout: Layout, recipe: Recipe) -> str:
    return f"{layout.builds}/{recipe.name}"


def _environment(environment: Mapping[str, str]) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in environment.items())]


def _through(spec: BuildSpec, step: str, partial: str) -> list[str]:
    """The words that a step of a HIP build follows, which gets precompiled headers.

    They change no object, so the recipe does not have them.
    """
    return words(f"{step}-hip", partial) if spec.backend == "hip" else []


@operation()
def build(layout: Layout, spec: BuildSpec) -> Generator[StringCommand]:
    """Build whisper-server and whisper-cli beside the live build.

    A build that was cut off is resumed; one that is there is not made again. It gets the VAD model
    that its sources have.

    + layout: where things lie
    + spec: what to build; its release is checked out
    """
    tools = read_toolchain(spec.backend, spec.gpu)
    recipe = Recipe.of(spec, tools)
    final = _path(layout, recipe)
    if read_fact(host, Manifest, path=final):
        host.noop(f"{recipe.name} is built")
        return
    partial = f"{final}.partial"
    run = [*_environment(spec.environment(tools)), *words("build-step", partial)]
    started = _now()
    cmake = ("cmake", NO_REGISTRY, "-G", "Ninja", "-S", layout.checkout, "-B", partial)
    configure = (*_through(spec, "configure", partial), *cmake, *recipe.cmake_arguments)
    yield with_lock(layout.services, with_progress(*run, *configure))
    if spec.backend != "cpu":
        yield script("require-backend", partial, spec.backend, *spec.gpu_targets)
    make = (*_through(spec, "build", partial), "nice", "cmake", "--build", partial)
    yield with_lock(layout.services, with_progress(*run, *make, "--target", *PROGRAMS))
    ended = _now()
    manifest = recipe.manifest(ended, (ended - started).total_seconds())
    vad = (f"{layout.checkout}/{VAD_SOURCE}", VAD_SHA256)
    yield script("install-build", partial, final, as_json(manifest), *vad, *PROGRAMS)


@operation()
def accept(
    layout: Layout, spec: GenerationSpec, choice: Choice, kfd: str, pci: str
) -> Generator[StringCommand]:
    """Fail unless the build transcribes whisper.cpp's sample with the model that is to serve.

    Both of its programs have to, on the GPU that was chosen and in time. Then it is timed with and
    without flash attention, for HIP also with more hardware queues than one. manifest.json records
    all of it; what was accepted with this model is not tried again. A build that is rejected is
    remembered, unless the machine is at fault. Where another can serve instead, it is only refused,
    which is said.

    + layout: where things lie
    + spec: what is to serve; the build and the model's file are in place
    + choice: the specs of which it is one
    + kfd: where the kernel says who uses which GPU (see facts/kfd.py)
    + pci: where the kernel shows the GPU's PCI device, with what it draws
    """
    recipe, model = resolve(spec).recipe, spec.model
    path = _path(layout, recipe)
    manifest = read_fact(host, Manifest, path=path) or {}
    if is_accepted(manifest, model):
        host.noop(f"{recipe.name} was accepted with {model.name}")
        return
    refused = refusal(manifest, model)
    if refused and not spec.settings.retry and can_do_without(layout, choice, spec):
        _say_refused(spec, *refused)
        host.noop(f"{recipe.name} was refused with {model.name}")
        return
    run = SmokeTestRun(layout, spec, kfd, pci)
    yield run.acceptance()
    if not host.state.is_executing:  # what follows is about what that has left
        return
    tests = run.results()
    found = rejection(tests, spec.build, model, resolve(spec).device_name)
    if found:
        finding = _finding(spec, found)
        of_backend = finding is None or finding.of_build or finding.of_backend
        if of_backend and can_do_without(layout, choice, spec):
            yield _refuse(layout, spec, manifest, found, finding)
        else:
            yield from _reject(layout, spec, found, finding)
        return
    measured = yield from measure(run)
    accepted = record_acceptance(manifest, model, _now(), tests, measured)
    yield script("write", f"{path}/manifest.json", as_json(accepted))
    best = fastest(measured)
    if best:
        live = read_fact(host, Manifest, path=layout.build) or {}
        _say_how_fast(spec.build, model, best, live)


def _refuse(
    layout: Layout,
    spec: GenerationSpec,
    manifest: Mapping[str, Any],
    found: Rejection,
    finding: Finding | None,
) -> StringCommand:
    """Remember that a build may not serve where another can, and say so."""
    reason = f"{found.reason}; cause: {finding}" if finding else found.reason
    when = _now()
    _say_refused(spec, when.isoformat(timespec="seconds"), reason)
    text = as_json(record_refusal(manifest, spec.model, when, reason))
    return script("write", f"{_path(layout, resolve(spec).recipe)}/manifest.json", text)


def _say_refused(spec: GenerationSpec, when: str, reason: str) -> None:
    if host.state.is_executing:  # pyinfra asks before the run too, and it is said once
        host.log_styled(
            f"{NAMES[spec.build.backend]} was refused on {when[:10]}: {reason}; another backend is "
            "used; --data retry=yes tries it again",
            fg="yellow",
            log_func=logger.warning,
        )


def _finding(spec: GenerationSpec, found: Rejection) -> Finding | None:
    log = found.test.log if found.test else ()
    gpu = spec.build.gpu
    return why_not_here(log, spec.build.backend, gpu) if gpu else None


def _reject(
    layout: Layout, spec: GenerationSpec, found: Rejection, finding: Finding | None
) -> Generator[StringCommand]:
    """Fail the host with the end of the log of a test that failed, and why."""
    log = found.test.log if found.test else ()
    path = f"{_path(layout, resolve(spec).recipe)}/smoke-test.log"
    if finding is None or finding.of_build:
        yield remember_rejection(layout, spec, found.reason)
    lines = [
        *(log[-15:] if found.test and found.test.status else ()),
        f"whisper.cpp {spec.build.label} with {spec.model.name} was rejected: {found.reason}; what "
        "served goes on serving. "
        f"Its whole log: {path}",
        *([f"cause: {finding}"] if finding else []),
    ]
    yield user_error("\n".join(lines))


def _say_how_fast(spec: BuildSpec, model: Model, best: Speed, live: Mapping[str, Any]) -> None:
    """Say how fast a build is, and whether the live one was faster with the same model."""
    attention = "with" if best.flash_attention else "without"
    host.log(f"{spec.label} with {model.name}: {best.label}, {attention} flash attention")
    if best.one_queue is False:
        host.log("with GPU_MAX_HW_QUEUES=1 it is slower: it serves without")
    before = fastest(recorded_speeds(live, model))
    if before and live["backend"] == spec.backend and is_slower(best, before):
        version = live["release"]["label"]
        host.log_styled(
            f"that is {best.work / before.work - 1:.0%} slower than {version} ({before.label}); "
            f"--data whisper_version={version} stays with it",
            fg="yellow",
            log_func=logger.warning,
        )
