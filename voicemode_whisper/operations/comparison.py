"""Models beside each other on the build that serves."""

from collections.abc import Generator, Mapping, Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.acceptance import SmokeTest
from voicemode_whisper.core.comparison import (
    Measurement,
    ServerEnvironment,
    advice,
    measurement,
    served_build,
    served_model,
    table,
)
from voicemode_whisper.core.generations import Generation
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.models import Model, ModelFile, candidate_files, choose_file, file_of
from voicemode_whisper.core.placement import account
from voicemode_whisper.facts import comparison
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.build import SmokeTests
from voicemode_whisper.facts.models import ModelFiles
from voicemode_whisper.operations import download
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.progress import with_progress
from voicemode_whisper.scripts import words


@operation()
def compare(
    layout: Layout,
    serving: Generation,
    models: Sequence[Model],
    skipped: Mapping[str, str],
    kfd: str,
    keep: bool,
) -> Generator[StringCommand]:
    """Time each model with the build that serves, and print what came of it as a table.

    Nothing that serves is touched. A model that is not there is downloaded, and removed again.

    + layout: where things lie
    + serving: the generation that serves
    + models: what to time
    + skipped: why some of them are not, by name
    + kfd: where the kernel says who uses which GPU (see facts/kfd.py)
    + keep: whether what was downloaded stays
    """
    rows = []
    for model in models:
        if model.name in skipped:
            rows.append(Measurement(model, problem=skipped[model.name]))
            continue
        memory = account(str(serving.backend), serving.gpu, kfd)
        tests = yield from _try(layout, model, memory, keep)
        if host.state.is_executing:
            rows.append(measurement(model, tests, served_build(serving), serving.device))
            host.log(rows[-1].label)
    if host.state.is_executing:
        for line in [*table(rows), *advice(rows, served_model(serving))]:
            host.log(line)


def _try(
    layout: Layout, model: Model, memory: str, keep: bool
) -> Generator[StringCommand, None, list[SmokeTest]]:
    """What comes of a model; what the run makes for it lies in a directory that goes again.

    `memory` is where the kernel accounts the GPU's.
    """
    place = QuoteString(layout.comparison)
    yield StringCommand("rm -rf", place, "&& mkdir", place)
    path = yield from _have(layout, model, keep)
    result = f"{layout.comparison}/smoke-test.log"
    started: ServerEnvironment = read_fact(host, comparison.ServerEnv, layout=layout)
    variables = (f"{name}={value}" for name, value in started.variables.items())
    files = (f"{layout.current}/build", path, layout.sample, result)
    test = words("smoke-test", *files, memory, "", *started.programs)
    yield with_progress("env", *variables, "nice", *test)
    tests: list[SmokeTest] = read_fact(host, SmokeTests, path=result)
    yield StringCommand("rm -rf", place)
    return tests


def _have(layout: Layout, model: Model, keep: bool) -> Generator[StringCommand, None, str]:
    """The path of the model, which is downloaded where it is not there."""
    files: dict[str, ModelFile] = read_fact(
        host, ModelFiles, directory=layout.models, names=candidate_files(model)
    )
    there = file_of(model, files)
    if there:
        return f"{layout.models}/{there}"
    directory = layout.models if keep else layout.comparison
    path = f"{directory}/{choose_file(model, files)}"
    yield from download.verified._inner(
        url=model.url, path=path, sha256=model.sha256, size=model.size
    )
    return path
