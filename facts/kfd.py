"""AMD GPUs, from the kernel alone: nothing of ROCm need be installed."""

from collections.abc import Iterable

from pyinfra.api import FactBase

from core.gpu import Gpu, parse_topology


class Gpus(FactBase[list[Gpu]]):
    """The AMD GPUs that the kernel can compute on, from KFD's topology in sysfs."""

    default = list

    def command(self) -> str:
        nodes = "/sys/class/kfd/kfd/topology/nodes"
        return (
            f"grep -rHE '^(gfx_target_version|heap_type|size_in_bytes) ' --include=properties "
            f"{nodes} 2>/dev/null || true"
        )

    def process(self, output: Iterable[str]) -> list[Gpu]:
        return parse_topology(output)
