"""Generations: written, switched to, confirmed by speech, rolled back when what is new fails."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand
from pyinfra.context import ctx_host

from voicemode_whisper.core.acceptance import recorded_speeds
from voicemode_whisper.core.build import VAD_MODEL
from voicemode_whisper.core.choice import Choice
from voicemode_whisper.core.generations import (
    CANDIDATE,
    CONFIRMED,
    REJECTED,
    Alternative,
    Generation,
    GenerationSpec,
)
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.services import Activation, plan_activation
from voicemode_whisper.core.settings import local_url
from voicemode_whisper.core.speech import is_spoken
from voicemode_whisper.core.speed import fastest
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.facts.files import Exists
from voicemode_whisper.facts.generations import Earlier
from voicemode_whisper.facts.user_unit import SYSTEMCTL, Services
from voicemode_whisper.operations.util.choice import candidate, chosen
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.errors import user_error
from voicemode_whisper.operations.util.generations import (
    as_json,
    manifest,
    now,
    read_generations,
    record,
    rejection,
    resolve,
    write_generation,
)
from voicemode_whisper.operations.util.outcome import outcome_of
from voicemode_whisper.operations.util.progress import WithProgress
from voicemode_whisper.operations.util.venv import with_venv
from voicemode_whisper.operations.util.verification import Problem, find_problem, transcribe
from voicemode_whisper.scripts import script
from voicemode_whisper.unit_files import render


@operation()
def adopt(layout: Layout, api_key_file: str = "") -> Generator[StringCommand]:
    """Make what was set up by hand, or by an earlier layout, generation 1.

    It can be gone back to if it transcribes. Nothing is restarted.

    + layout: where things lie
    + api_key_file: on the host, where the proxy wants a key
    """
    earlier = read_fact(host, Earlier, layout=layout)
    if earlier is None:
        host.noop("nothing was set up otherwise")
        return
    url = local_url(earlier.listen or "127.0.0.1:2023")
    transcribes = is_spoken(transcribe(url, layout, api_key_file).text)
    text = as_json(earlier.manifest(now(), transcribes))
    parts = (earlier.build, earlier.proxy, earlier.venv, earlier.model)
    yield script("adopt-setup", layout.services, layout.units, *parts, text)


@operation()
def switch(
    layout: Layout, choice: Choice, unserved_watts: float | None = None
) -> Generator[StringCommand]:
    """Have a generation made from one of these specs serve, and restart only what does not run it.

    One that was rejected before is left alone, and said to be. Whether what is new then works is
    for `confirm` to say, which rolls back.

    + layout: where things lie
    + choice: what is to serve, or one of what; the parts are on the host
    + unserved_watts: what the idle card drew before the run, where nothing served
    """
    spec, others, table = chosen(layout, choice)
    generations = read_generations(layout)
    rejected = rejection(layout, spec)
    if rejected:
        if host.state.is_executing:  # pyinfra asks before the run too, and it is said once
            _say_rejected(rejected, generations.serving)
        # One that serves all the same is from a run that was cut off before it rolled back.
        serving = generations.serving
        target = generations.fallback() if serving == rejected else serving
        if target:
            target = yield from with_venv(layout, target)
    else:
        target = generations.reusable(resolve(spec).fingerprint)
    if target is None:
        # What was adopted in this run has served before it.
        idle = generations.idle_watts(spec.build.gpu) if generations.serving else unserved_watts
        number = generations.next_number
        tried = _tried(others, table)
        target, write = _candidate(layout, spec, number, {**tried, "idle_watts": idle})
        if host.state.is_executing:
            for line in table:
                host.log(line)
        yield write
    elif rejected is None and target.alternatives != others:
        target = Generation.of({**target.manifest, **_tried(others, table)})
        yield record(layout, {**target.manifest})
    plan = _plan(layout, target, generations.current)
    if not plan.reasons:
        host.noop(f"generation {target.number} serves")
        return
    yield _activate(layout, target, plan)


def _tried(others: Sequence[Alternative], table: Sequence[str]) -> dict[str, Any]:
    """What the manifest has of the builds that were tried beside the generation's own."""
    return {"alternatives": [other.to_json() for other in others], "comparison": list(table)}


def _candidate(
    layout: Layout, spec: GenerationSpec, number: int, known: Mapping[str, Any]
) -> tuple[Generation, StringCommand]:
    """A new generation, and the command that writes it; `known` is what else its manifest has."""
    resolved = resolve(spec)
    path = f"{layout.builds}/{resolved.recipe.name}"
    build = read_fact(host, Manifest, path=path) or {}
    vad: bool = read_fact(host, Exists, path=f"{path}/{VAD_MODEL}")
    best = fastest(recorded_speeds(build, spec.model))
    files = render(resolved, number, best, vad)
    text = manifest(
        number,
        spec,
        revisions=files.revisions,
        acceptance=build.get("acceptance", {}).get(spec.model.sha256, {}),
        status=CANDIDATE,
        **known,
    )
    return Generation.of(text), write_generation(layout, text, files.files)


def _plan(layout: Layout, target: Generation, current: int | None) -> Activation:
    state = read_fact(host, Services, layout=layout, number=target.number)
    return plan_activation(target, target.number == current, state)


def _activate(layout: Layout, target: Generation, plan: Activation) -> StringCommand:
    if host.state.is_executing:
        outcome_of(ctx_host.get()).serving = target
    words = (layout.services, layout.units, str(target.number), *plan.restarts)
    return script("activate-generation", *words)


def _say_rejected(rejected: Generation, serving: Generation | None) -> None:
    goes_on = f"; {serving.title} goes on serving" if serving and serving != rejected else ""
    host.log(
        f"{rejected.title} was rejected on {rejected.when[:10]}: {rejected.reason}{goes_on}; "
        "--data retry=yes tries it again"
    )


@operation()
def confirm(layout: Layout, kfd: str, api_key_file: str = "") -> Generator[StringCommand]:
    """Fail the host unless it transcribes speech through the proxy, on the GPU that was chosen.

    A candidate that does is confirmed. One that does not is rolled back before the run ends, and
    rejected unless the machine is at fault.

    + layout: where things lie
    + kfd: where the kernel says who uses which GPU (see facts/kfd.py)
    + api_key_file: on the host, where the proxy wants a key
    """
    # What counts is how the run leaves the host: before it, there is nothing to ask.
    if not host.state.is_executing:
        return
    generations = read_generations(layout)
    serving = generations.serving
    if serving is None:
        yield user_error("verify: nothing is set up here; run deploy.py")
        return
    problem = find_problem(serving, layout, kfd, api_key_file)
    if problem and problem.restart and serving.status == CONFIRMED:
        # This run has not restarted it: it may be from before it could use the GPU, or had the key.
        yield StringCommand(SYSTEMCTL, "restart", problem.restart)
        problem = find_problem(serving, layout, kfd, api_key_file)
    if problem is None and serving.status == CONFIRMED:
        host.noop(f"speech is transcribed through {serving.proxy_url}")
    elif problem is None:
        yield record(layout, serving.ended(CONFIRMED, now()))
    elif serving.status == CONFIRMED:
        nothing = "nothing has changed since it last transcribed, so nothing was rolled back"
        yield user_error(f"verify: {problem.what}; {nothing}")
    else:
        yield from _reject(layout, serving, generations.fallback(), problem, kfd, api_key_file)


def _reject(
    layout: Layout,
    candidate: Generation,
    fallback: Generation | None,
    problem: Problem,
    kfd: str,
    api_key_file: str,
) -> Generator[StringCommand]:
    """Roll back, and fail the host; remember why, unless the machine is at fault."""
    if fallback is None:
        nothing = "nothing has transcribed here before, so there is nothing to roll back to"
        yield user_error(f"verify: {problem.what}; {nothing}")
        return
    if not problem.of_machine:
        yield record(layout, candidate.ended(REJECTED, now(), problem.what))
    fallback = yield from with_venv(layout, fallback)
    yield _activate(layout, fallback, _plan(layout, fallback, candidate.number))
    outcome = _outcome(fallback, find_problem(fallback, layout, kfd, api_key_file))
    yield user_error(f"verify: {problem.what}; {outcome}")


def _outcome(generation: Generation, problem: Problem | None) -> str:
    """What has come of a rollback, for people."""
    return f"rolled back to {generation.title}" + (
        f", but: {problem.what}" if problem else ", which transcribes"
    )


@operation()
def rollback(layout: Layout, kfd: str, api_key_file: str = "") -> Generator[StringCommand]:
    """Go back to the generation that was confirmed before the one that serves.

    What is gone back from is rejected: deploy.py leaves it alone until something differs. Where the
    older one does not work, what served goes on serving.

    + layout, kfd, api_key_file: as for `confirm`
    """
    generations = read_generations(layout)
    serving, previous = generations.serving, generations.previous()
    if serving is None or previous is None:
        yield user_error("rollback: no earlier generation is kept")
        return
    previous = yield from with_venv(layout, previous)
    # First: a rollback that is cut off is finished by the next run, of whichever kind.
    yield record(layout, serving.ended(REJECTED, now(), "rolled back by hand"))
    yield _activate(layout, previous, _plan(layout, previous, serving.number))
    problem = find_problem(previous, layout, kfd, api_key_file)
    if problem:
        yield record(layout, {**serving.manifest})
        yield _activate(layout, serving, _plan(layout, serving, previous.number))
        outcome = _outcome(serving, find_problem(serving, layout, kfd, api_key_file))
        yield user_error(f"rollback: {previous.title}: {problem.what}; {outcome}")
        return
    host.log(
        f"rolled back to {previous.title}; deploy.py leaves generation {serving.number} alone "
        "until release, settings or toolchain differ, or --data retry=yes is given"
    )


@operation()
def prune(layout: Layout, choice: Choice) -> Generator[StringCommand]:
    """Remove what no generation needs: the last three confirmed stay, and what serves.

    The builds that were tried beside that stay too, or they would be built and tried again.

    + layout: where things lie
    + choice: what is to serve, or one of what
    """
    generations = read_generations(layout)
    surplus = generations.surplus()
    if surplus and len(choice.specs) > 1:
        surplus = generations.surplus([candidate(layout, spec).build for spec in choice.specs])
    if not surplus:
        host.noop("nothing is left over")
        return
    yield WithProgress(script("remove-versions", layout.services, *surplus))


@operation()
def absent(layout: Layout) -> Generator[StringCommand]:
    """Remove the generations, every version of builds and proxy, and the links to them.

    What was made by hand and set aside has its name again. Nothing may run from them any more.

    + layout: where things lie
    """
    versions = read_generations(layout).own()
    if not versions:
        host.noop("nothing of the deploy is there")
        return
    yield script("remove-setup", layout.services, *versions)
    outcome_of(ctx_host.get()).serving = None
