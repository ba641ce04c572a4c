"""Which model suits a host: what each takes there, how accurate it is, and which to choose."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from voicemode_whisper.core.acceptance import SmokeTest, rejection, speeds
from voicemode_whisper.core.build import BuildSpec
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.generations import Generation, Generations
from voicemode_whisper.core.model_sums import KNOWN
from voicemode_whisper.core.models import Model, ModelFile, file_of
from voicemode_whisper.core.places import Step
from voicemode_whisper.core.release import Release
from voicemode_whisper.core.speech import SAMPLE_SECONDS
from voicemode_whisper.core.speed import Speed, fastest
from voicemode_whisper.core.table import aligned

MB, MIB = 10**6, 2**20
# MB that whisper.cpp takes besides the model, without flash attention: what whisper_init_state of
# v1.9.1 logs of its caches and compute buffers, the one for self-attention seven times, as it grows
# to for whisper-cli's five beams. ROCm's own is not in it.
BUFFERS = {
    "tiny": 212,
    "base": 270,
    "small": 448,
    "medium": 815,
    "large-v3-turbo": 469,
    "large": 1203,
}
# Wrong words in a hundred of English speech. Quantized models and the smaller multilingual ones are
# not listed there.
WORD_ERROR_RATES = {
    "tiny.en": 12.81,
    "base.en": 10.32,
    "small.en": 8.59,
    "medium.en": 8.09,
    "large-v3-turbo": 7.83,
    "large-v3": 7.44,
}
SOURCE = "Open ASR Leaderboard, English short-form, March 2026"
# What server.env has besides the environment in which programs find the GPU.
OF_THE_UNIT = {"WHISPER_PORT", "FLASH_ATTENTION", "VAD", "SERVICE_REVISION"}
# What times whisper-cli with this flag of whisper-server; any other is without flash attention.
TIMED_WITH = {"-fa": "whisper-cli-fa"}
TIMED_WITHOUT = "whisper-cli-nfa"
HEADINGS = ("model", "size", "load", "total", "real time", "GPU memory", "word errors")
NOTHING = "-"


@dataclass(frozen=True)
class ServerEnvironment:
    """How whisper-server is started: variables for the GPU, and the flag for flash attention."""

    variables: Mapping[str, str]
    flash_attention: str

    @property
    def programs(self) -> tuple[str, ...]:
        """What smoke-test.sh runs: whisper-cli, to warm up and twice for its time; the server."""
        timed = TIMED_WITH.get(self.flash_attention, TIMED_WITHOUT)
        return ("whisper-cli", timed, timed, "whisper-server")


def parse_server_env(lines: Iterable[str]) -> ServerEnvironment:
    """Read server.env, lines NAME=VALUE and comments, as templates/server.env.j2 writes them."""
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    values = dict(pairs)
    variables = {name: value for name, value in values.items() if name not in OF_THE_UNIT}
    return ServerEnvironment(variables, values["FLASH_ATTENTION"])


@dataclass(frozen=True)
class Measurement:
    """What a model took; `problem` is why that is not known, or does not count.

    `memory` are the bytes of the GPU's that whisper-server had, None where the kernel does not
    account for it.
    """

    model: Model
    speed: Speed | None = None
    memory: int | None = None
    problem: str = ""

    @property
    def word_error_rate(self) -> float | None:
        """The published one, in per cent; None for a file of the user's own, whatever its name."""
        published = KNOWN.get(self.model.name)
        is_that = published and published[1] == self.model.sha256
        return WORD_ERROR_RATES.get(self.model.name) if is_that else None

    @property
    def label(self) -> str:
        """For people: "small.en: 480 ms total, 93 ms encode, 23x real time"."""
        return f"{self.model.name}: {self.problem or (self.speed and self.speed.label)}"


def measurement(
    model: Model, tests: Sequence[SmokeTest], build: BuildSpec, device: str = ""
) -> Measurement:
    """What the tests of a model show; they must have run on the GPU of the build which serves.

    `device` is its name in Vulkan.
    """
    found = rejection(tests, build, model, device)
    best = fastest(speeds(tests, build, model, device))
    if found or best is None:
        return Measurement(model, problem=found.reason if found else "whisper-cli tells no times")
    server = next(test for test in tests if test.program == "whisper-server")
    return Measurement(model, best, server.memory)


def check_serving(found: Generations) -> Generation:
    """The generation that serves; UserError where none of the deploy's does."""
    serving = found.serving
    if serving is None:
        raise UserError("compare: nothing serves here yet; run deploy.py first")
    if serving.backend is None:
        raise UserError(f"compare: {serving.title} was set up otherwise; run deploy.py first")
    return serving


def served_build(serving: Generation) -> BuildSpec:
    """What the generation that serves was built from, and for."""
    release = Release(**serving.manifest["release"])
    return BuildSpec(release, str(serving.backend), gpu=serving.gpu)


def served_model(serving: Generation) -> str:
    """The name of the model that serves."""
    return str(serving.manifest["model"]["name"])


def required_memory(name: str, size: int | None) -> int:
    """Bytes that whisper.cpp takes for a model of `size` bytes, 0 where that is not known."""
    return size + _buffers(name) if size else 0


def _buffers(name: str) -> int:
    found = next((family for family in BUFFERS if name.startswith(family)), "large")
    return BUFFERS[found] * MB


def too_large(
    models: Iterable[Model], serving: Generation, available: int | None
) -> dict[str, str]:
    """Models for which there is no memory beside the one that serves, and why, by name.

    `available` are the bytes that the machine has left, None where it does not say, which count
    where there is no card.
    """
    beside, free, gpu = served_model(serving), available, serving.gpu
    if gpu and not gpu.integrated:
        served = required_memory(beside, serving.model_size)
        free = gpu.memory - served if gpu.memory else None
    wanted = {model.name: required_memory(model.name, model.size) for model in models}
    return {
        name: f"needs {_mib(size)} of memory, and {_mib(max(free, 0))} are free beside {beside}"
        for name, size in wanted.items()
        if free is not None and size > free
    }


def downloads(models: Iterable[Model], files: Mapping[str, ModelFile], keep: bool) -> list[Step]:
    """What the downloads need of the disk: each is removed before the next, unless all are kept."""
    sizes = [Step(model.name, model.size or 0, 1) for model in models if not file_of(model, files)]
    return sizes if keep else sorted(sizes, key=lambda step: step.space)[-1:]


def recommended(rows: Iterable[Measurement]) -> tuple[Measurement, str] | None:
    """The most accurate model that is quick enough, and what that means; None where there is none.

    Loading does not count, which a server does once.
    """
    rated = [row for row in rows if row.speed and row.word_error_rate]
    for seconds, meaning in ((1, "a second"), (SAMPLE_SECONDS, "the speech itself")):
        quick = [row for row in rated if row.speed and row.speed.work < seconds * 1000]
        if quick:
            return min(quick, key=lambda row: row.word_error_rate or 100), meaning
    return None


def advice(rows: Sequence[Measurement], serving: str) -> list[str]:
    """What to say below the table; `serving` is the name of the model that serves."""
    return [
        f"times are those of {SAMPLE_SECONDS} s of speech, the total with loading; word errors: "
        f"{SOURCE}",
        f"{serving} serves now; nothing was changed",
        _line(rows),
    ]


def _line(rows: Sequence[Measurement]) -> str:
    found = recommended(rows)
    if found is None:
        return "no recommendation: no model with a published error rate is faster than speech here"
    row, meaning = found
    work = row.speed.work if row.speed else 0
    return (
        f'group_data/all.py: whisper_model = "{row.model.name}"  # {row.word_error_rate} % word '
        f"errors, the fewest of those that take less than {meaning}: {work:.0f} ms without loading"
    )


def table(rows: Sequence[Measurement]) -> list[str]:
    """The lines to print: headings, and one for each model, in aligned columns."""
    lines = aligned([HEADINGS, *map(_cells, rows)], numbers=True)
    notes = ["", *(row.problem for row in rows)]
    return [f"{line}  {note}".rstrip() for line, note in zip(lines, notes, strict=True)]


def _cells(row: Measurement) -> tuple[str, ...]:
    model, speed, rate = row.model, row.speed, row.word_error_rate
    return (
        model.name,
        _mib(model.size) if model.size else NOTHING,
        f"{speed.load:.0f} ms" if speed else NOTHING,
        f"{speed.total:.0f} ms" if speed else NOTHING,
        f"{speed.times_real_time:.3g}x" if speed else NOTHING,
        _mib(row.memory) if row.memory else NOTHING,
        f"{rate:.2f} %" if rate else NOTHING,
    )


def _mib(size: int) -> str:
    return f"{-(-size // MIB)} MiB"
