"""AMD GPUs, from the kernel alone: nothing of ROCm need be installed."""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.core.gpu import Gpu, parse_topology
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Gpus(Fact[list[Gpu]]):
    """The AMD GPUs that the kernel can compute on, from KFD's topology in sysfs.

    `kfd` is KFD's directory, /sys/class/kfd/kfd.
    """

    default = list

    def command(self, kfd: str) -> StringCommand:
        return script("gpus", kfd)

    def process(self, output: Iterable[str]) -> list[Gpu]:
        return parse_topology(output)


class Memory(Fact[int | None]):
    """Bytes of GPU memory that the kernel accounts to a process; None where it does not account.

    What a processor's graphics use is the machine's memory, which is not counted. In a container
    nothing is known (see gpu-memory.sh).
    """

    def command(self, kfd: str, pid: int) -> StringCommand:
        return script("gpu-memory", kfd, str(pid))

    def process(self, output: Iterable[str]) -> int | None:
        return next(map(int, output), None)
