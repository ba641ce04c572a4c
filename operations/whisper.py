"""Builds of whisper.cpp."""

import json
from collections.abc import Generator
from datetime import UTC, datetime

from pyinfra import host
from pyinfra.api import StringCommand

from core.build import PROGRAMS, ROCM_PACKAGES, Order, Recipe
from core.gate import Trial, complaint, has_passed, with_trials
from core.layout import Layout
from core.models import Model
from facts.build import Manifest, Trials
from facts.toolchain import Toolchain
from operations.connection import operation
from operations.live import point
from operations.refuse import refusal
from operations.scripts import script, words
from operations.shown import alone, narrated


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
def prove(layout: Layout, order: Order, model: Model) -> Generator[StringCommand]:
    """Fail unless the build transcribes whisper.cpp's sample with the model that is to serve.

    Both of its programs have to, on the backend that was asked for and in time; manifest.json
    records what they showed. What has passed with this model is not tried again.

    + layout: where things lie
    + order: what was built
    + model: what is to serve; its file is in place
    """
    recipe = _recipe(order)
    path = f"{layout.checkout}/{recipe.name}"
    manifest = host.get_fact(Manifest, path=path) or {}
    if has_passed(manifest, model):
        host.noop(f"{recipe.name} has transcribed with {model.name}")
        return
    trial = words("try", path, f"{layout.models}/{model.file_name}", layout.sample)
    yield narrated(*_environment(order), "nice", *trial)
    trials: list[Trial] = host.get_fact(Trials, path=path)
    reason = complaint(trials, order.backend)
    if reason:
        yield refusal("\n".join(_refused(order, model, path, reason, trials)))
        return
    passed = with_trials(manifest, model, _now(), trials)
    yield script("write", f"{path}/manifest.json", _text(passed))


def _refused(order: Order, model: Model, path: str, reason: str, trials: list[Trial]) -> list[str]:
    """What to tell of a build that did not pass: the end of the log that shows it, and why."""
    shown = next((trial for trial in trials if reason.startswith(trial.program)), None)
    log = shown.log[-15:] if shown else ()
    return [
        *log,
        f"whisper.cpp {order.release.label} with {model.name} was not taken: {reason}; "
        f"what served goes on serving. All that it said: {path}/gate.log",
    ]


@operation()
def switch(layout: Layout, order: Order) -> Generator[StringCommand]:
    """Make the build of this release the live one.

    + layout, order: as for `build`
    """
    yield from point(layout.build, _recipe(order).name)
