"""Build directories of whisper.cpp that a real HIP compiler works in, without a box."""

import resource
from dataclasses import dataclass, replace
from pathlib import Path

from tests import boxes
from tests.boxes.toolchain import WORK, Toolchain
from voicemode_whisper.core.build import BuildSpec
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.release import Release
from voicemode_whisper.scripts import words

from .builds import RELEASE, ROCM, Way

ENVIRONMENT = BuildSpec(
    Release(RELEASE, "0" * 40), "hip", (), Gpu(0, "gfx1101", 16 << 30)
).environment(ROCM)


@dataclass(frozen=True)
class Tree:
    """whisper.cpp configured in one way, in the directory `work`.

    `configuring` is what that took, in CPU seconds.
    """

    toolchain: Toolchain
    way: Way
    work: Path
    configuring: float = 0.0

    @classmethod
    def configured(cls, way: Way, work: Path) -> "Tree":
        """Write whisper.cpp into `work` and configure it as the deploy does."""
        work.mkdir(exist_ok=True)
        boxes.whisper_sources(RELEASE, work / "source")
        tree = cls(boxes.gpu_toolchain(), way, work)
        through = words(way.script, f"/{WORK}/build") if way.script else []
        cmake = ("cmake", "-G", "Ninja", "-S", "source", "-B", "build", *way.arguments)
        before = _spent()
        tree.run(*through, *cmake)
        return replace(tree, configuring=_spent() - before)

    @property
    def build(self) -> Path:
        """The build directory."""
        return self.work / "build"

    def run(self, *argv: str) -> str:
        """Run a program of the toolchain in `work`, with the deploy's environment."""
        return self.toolchain.run(self.work, *argv, environment=ENVIRONMENT)

    def text(self, name: str) -> str:
        """A file of the build directory."""
        return (self.build / name).read_text()

    def plan(self) -> list[str]:
        """What ninja would run, a line for each edge."""
        return self.run("ninja", "-C", "build", "-n", *self.way.targets).splitlines()

    def make(self, *objects: str) -> float:
        """Compile these files, and return the CPU seconds that it took."""
        before = _spent()
        self.run("nice", "-n", "19", "env", "CCACHE_DISABLE=1", "ninja", "-C", "build", *objects)
        return _spent() - before


def _spent() -> float:
    """CPU seconds of all programs that this process has run and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
