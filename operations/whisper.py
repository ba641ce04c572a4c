"""Builds of whisper.cpp."""

import json
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any

from pyinfra import host, logger
from pyinfra.api import StringCommand

from core.build import PROGRAMS, ROCM_PACKAGES, Order, Recipe
from core.gate import (
    Complaint,
    Trial,
    complaint,
    has_passed,
    recorded_speeds,
    speeds,
    with_trials,
)
from core.layout import Layout
from core.models import Model
from core.speed import Speed, fastest, is_slower
from facts.build import Manifest, Trials
from facts.toolchain import Toolchain
from operations.connection import operation
from operations.gpu import why_not_here
from operations.live import point
from operations.refuse import refusal
from operations.scripts import script, words
from operations.shown import alone, narrated

# How often each way is timed. A GPU needs a second; on a processor it is a guess, and a cheap one.
ROUNDS = {"hip": 3, "cpu": 1}


def _recipe(order: Order) -> Recipe:
    """What a build for this host consists of, with the tools that are on it now."""
    packages = ROCM_PACKAGES if order.backend == "hip" else ()
    tools: list[str] = host.get_fact(Toolchain, packages=packages)
    return Recipe.of(order, tools)


def _now() -> datetime:
    return datetime.now(UTC)


def _environment(order: Order) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in order.environment.items())]


@operation()
def build(layout: Layout, order: Order) -> Generator[StringCommand]:
    """Build whisper-server and whisper-cli beside the live build.

    A build that was cut off is resumed; one that is there is not made again.

    + layout: where things lie
    + order: what to build; its release is checked out
    """
    recipe = _recipe(order)
    final = f"{layout.checkout}/{recipe.name}"
    if host.get_fact(Manifest, path=final):
        host.noop(f"{recipe.name} is built")
        return
    partial = f"{final}.partial"
    run = _environment(order)
    started = _now()
    configure = ("cmake", "-G", "Ninja", "-S", layout.checkout, "-B", partial)
    yield alone(layout.services, narrated(*run, *configure, *recipe.cmake_arguments))
    if order.backend == "hip":
        yield script("require-hip", partial, *order.gpu_targets)
    make = narrated(*run, "nice", "cmake", "--build", partial, "--target", *PROGRAMS)
    yield alone(layout.services, make)
    ended = _now()
    manifest = recipe.manifest(ended, (ended - started).total_seconds())
    yield script("keep", partial, final, _text(manifest), *PROGRAMS)


def _text(manifest: object) -> str:
    return json.dumps(manifest, indent=2) + "\n"


@operation()
def prove(layout: Layout, order: Order, model: Model, kfd: str) -> Generator[StringCommand]:
    """Fail unless the build transcribes whisper.cpp's sample with the model that is to serve.

    Both of its programs have to, on the GPU that was chosen and in time. Then it is timed with and
    without flash attention, and whisper-server is to use what is faster. manifest.json records all
    of it; what has passed with this model is not tried again.

    + layout: where things lie
    + order: what was built
    + model: what is to serve; its file is in place
    + kfd: where the kernel says who uses which GPU (see facts/kfd.py)
    """
    recipe = _recipe(order)
    path = f"{layout.checkout}/{recipe.name}"
    manifest = host.get_fact(Manifest, path=path) or {}
    if has_passed(manifest, model):
        host.noop(f"{recipe.name} has transcribed with {model.name}")
        return
    files = (path, f"{layout.models}/{model.file_name}", layout.sample)
    yield _try(order, *files, f"{path}/gate.log", kfd, *PROGRAMS)
    if not host.state.is_executing:  # what follows is about what that has left
        return
    trials: list[Trial] = host.get_fact(Trials, path=f"{path}/gate.log")
    found = complaint(trials, order, model)
    if found:
        yield refusal("\n".join(_refused(order, model, path, found)))
        return
    rounds = ("whisper-cli-fa", "whisper-cli-nfa") * ROUNDS[order.backend]
    yield _try(order, *files, f"{path}/speed.log", kfd, *rounds)
    timed: list[Trial] = host.get_fact(Trials, path=f"{path}/speed.log")
    measured = speeds(timed, order, model)
    best = fastest(measured)
    environment = f"FLASH_ATTENTION={best.flag if best else ''}\n"
    yield script("write", f"{path}/{model.file_name}.env", environment)
    passed = with_trials(manifest, model, _now(), trials, measured)
    yield script("write", f"{path}/manifest.json", _text(passed))
    if best:
        live = host.get_fact(Manifest, path=layout.build) or {}
        _say_how_fast(order, model, best, live)


def _try(order: Order, *arguments: str) -> StringCommand:
    return narrated(*_environment(order), "nice", *words("try", *arguments))


def _refused(order: Order, model: Model, path: str, found: Complaint) -> list[str]:
    """What to tell of a build that did not pass: the end of the log of one that failed, and why."""
    log = found.trial.log if found.trial else ()
    cause = why_not_here(log, order.gpu) if order.gpu else None
    return [
        *(log[-15:] if found.trial and found.trial.status else ()),
        f"whisper.cpp {order.release.label} with {model.name} was not taken: {found.reason}; "
        f"what served goes on serving. All that it said: {path}/gate.log",
        *([f"the cause: {cause}"] if cause else []),
    ]


def _say_how_fast(order: Order, model: Model, best: Speed, live: Mapping[str, Any]) -> None:
    """Say how fast a build is, and whether the live one was faster with the same model."""
    attention = "with" if best.flash_attention else "without"
    host.log(f"{order.release.label} with {model.name}: {best.label}, {attention} flash attention")
    before = fastest(recorded_speeds(live, model))
    if before and live["backend"] == order.backend and is_slower(best, before):
        version = live["release"]["label"]
        host.log_styled(
            f"that is {best.work / before.work - 1:.0%} slower than {version} ({before.label}); "
            f"--data whisper_version={version} stays with it",
            fg="yellow",
            log_func=logger.warning,
        )


@operation()
def switch(layout: Layout, order: Order) -> Generator[StringCommand]:
    """Make the build of this release the live one.

    + layout, order: as for `build`
    """
    yield from point(layout.build, _recipe(order).name)
