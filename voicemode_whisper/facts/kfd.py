"""AMD GPUs, from the kernel alone: nothing of ROCm need be installed."""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.core.gpu import Gpu, parse_topology
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Gpus(Fact[list[Gpu]]):
    """The AMD GPUs that have a driver: those of KFD's topology, and what else is on the bus.

    `kfd` is KFD's directory, /sys/class/kfd/kfd, `pci` that of the bus, /sys/bus/pci/devices.
    """

    default = list

    def command(self, kfd: str, pci: str) -> StringCommand:
        return script("gpus", kfd, pci)

    def process(self, output: Iterable[str]) -> list[Gpu]:
        return parse_topology(output)


class Memory(Fact[int | None]):
    """Bytes of GPU memory that the kernel accounts to a process; None where it does not account.

    `account` is KFD's directory for what uses ROCm, the GPU's PCI address for what uses Vulkan.
    What a processor's graphics use is the machine's memory, which KFD does not count. In a
    container nothing is known (see gpu-memory.sh).
    """

    def command(self, account: str, pid: int) -> StringCommand:
        return script("gpu-memory", account, str(pid))

    def process(self, output: Iterable[str]) -> int | None:
        return next(map(int, output), None)
