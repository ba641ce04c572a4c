"""The tools that a build is made with."""

from collections.abc import Iterable, Sequence

from pyinfra.api import StringCommand

from voicemode_whisper.core import toolchain
from voicemode_whisper.core.venv import SYSTEM_PYTHON
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Toolchain(Fact[toolchain.Toolchain]):
    """Versions of the given packages, of the C++ compiler and of the processor, and where ROCm is.

    With the package of a Vulkan `driver`, also its manifest and its devices.
    """

    default = toolchain.Toolchain

    def command(self, packages: Sequence[str], driver: str = "") -> StringCommand:
        return script("toolchain", driver, *packages)

    def process(self, output: Iterable[str]) -> toolchain.Toolchain:
        return toolchain.parse_toolchain(output)


class Python(Fact[str | None]):
    """Version of the system's Python, such as 3.13; None where there is none."""

    def command(self) -> str:
        version = 'import sys; print("%d.%d" % sys.version_info[:2])'
        return f"{SYSTEM_PYTHON} -ISc '{version}' 2>/dev/null || true"

    def process(self, output: Iterable[str]) -> str:
        (version,) = output
        return version
