"""Programs of a build that transcribe the sample, and what they show."""

from collections.abc import Generator
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import StringCommand

from voicemode_whisper.core.acceptance import COLD, SmokeTest, speeds
from voicemode_whisper.core.build import PROGRAMS
from voicemode_whisper.core.generations import GenerationSpec
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.placement import account
from voicemode_whisper.core.power import sysfs_device
from voicemode_whisper.core.speed import ONE_QUEUE, Speed, best_of_each, choose_queues, fastest
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.build import SmokeTests
from voicemode_whisper.operations.util.generations import resolve
from voicemode_whisper.operations.util.progress import with_progress
from voicemode_whisper.scripts import words

# How often each way is timed. A GPU needs a second; on a processor it is a guess, and a cheap one.
ROUNDS = {"hip": 3, "vulkan": 3, "cpu": 1}


@dataclass(frozen=True)
class SmokeTestRun:
    """What smoke-test.sh is given, whatever is to be run (see there).

    `kfd` and `pci` are where the kernel tells of the GPU's memory and of its power.
    """

    layout: Layout
    spec: GenerationSpec
    kfd: str
    pci: str

    @property
    def path(self) -> str:
        """The build's directory."""
        return f"{self.layout.builds}/{resolve(self.spec).recipe.name}"

    def command(self, log: str, *programs: str, one_queue: bool = True) -> StringCommand:
        """The command that runs these programs; on HIP with ONE_QUEUE, as it is to serve."""
        build = self.spec.build
        environment = dict(resolve(self.spec).environment)
        if one_queue and build.backend == "hip":
            environment |= ONE_QUEUE
        arguments = (
            *(self.path, f"{self.layout.models}/{self.spec.model_file}", self.layout.sample),
            *(f"{self.path}/{log}", account(build.backend, build.gpu, self.kfd)),
            sysfs_device(self.pci, build.gpu),
        )
        variables = (f"{name}={value}" for name, value in environment.items())
        test = words("smoke-test", *arguments, *programs)
        return with_progress("env", *variables, "nice", *test)

    def acceptance(self) -> StringCommand:
        """The command that runs both programs; for a GPU twice, as drivers compile at first."""
        first = () if self.spec.build.backend == "cpu" else (COLD,)
        return self.command("smoke-test.log", *first, *PROGRAMS)

    def results(self, log: str = "smoke-test.log") -> list[SmokeTest]:
        """What they showed."""
        tests: list[SmokeTest] = read_fact(host, SmokeTests, path=f"{self.path}/{log}")
        return tests

    def speeds(self, log: str, one_queue: bool | None) -> list[Speed]:
        """How fast those were that ran where they should."""
        device = resolve(self.spec).device_name
        return speeds(self.results(log), self.spec.build, self.spec.model, device, one_queue)


def measure(run: SmokeTestRun) -> Generator[StringCommand, None, list[Speed]]:
    """How fast the build is, each way; which number of hardware queues it serves with is chosen."""
    backend = run.spec.build.backend
    rounds = ROUNDS[backend]
    yield run.command("speed.log", *("whisper-cli-fa", "whisper-cli-nfa") * rounds)
    measured = best_of_each(run.speeds("speed.log", True if backend == "hip" else None))
    best = fastest(measured)
    if backend != "hip" or best is None:
        return measured
    program = "whisper-cli-fa" if best.flash_attention else "whisper-cli-nfa"
    yield run.command("queues.log", *(program,) * rounds, one_queue=False)
    return choose_queues(measured, run.speeds("queues.log", one_queue=False))
