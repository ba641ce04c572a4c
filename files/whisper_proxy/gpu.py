"""Finds out whether whisper-server uses the GPU, from what the kernel shows.

whisper-server itself does not say: without a GPU it falls back to the CPU and reports no error.

KFD, the compute part of the amdgpu driver, has a directory proc/PID for each process that has
/dev/kfd open, with a file vram_GPUID for each GPU: the bytes of GPU memory that the process has
allocated there (drivers/gpu/drm/amd/amdkfd/kfd_process.c in Linux, since 5.8). Anyone may read it.

Vulkan uses the graphics part of the driver, which tells in /proc/PID/fdinfo for each client of a
GPU what it has in the GPU's memory (vram) and in the machine's (gtt), where that of integrated
graphics is: Documentation/gpu/drm-usage-stats.rst in Linux. The user whose process it is may read
it.
"""

import os
import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Processor = Literal["gpu", "cpu"]

SERVER_UNIT = "voicemode-whisper.service"
# More GPU memory than a process uses without a model, less than with the smallest model.
MIN_MODEL_BYTES = 16 * 1024**2
FDINFO = re.compile(
    r"^drm-(pdev|client-id|(?:memory|resident)-(vram|gtt)):\s*(\S+)(?: (KiB|MiB))?$", re.MULTILINE
)
UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2}


@dataclass(frozen=True)
class Gpu:
    """The GPU that whisper-server was built for.

    kfd is KFD's directory; address is the GPU's on the PCI bus if it is used by Vulkan, else empty.
    proc and cgroups are the mount points of procfs and cgroup v2.
    memory: the least GPU memory, in bytes, that whisper-server uses; 0 if unknown, as with
    integrated graphics, where the model may be in memory that KFD does not count.
    """

    kfd: Path
    memory: int
    proc: Path = Path("/proc")
    cgroups: Path = Path("/sys/fs/cgroup")
    address: str = ""

    def server_pids(self) -> set[str]:
        """Return whisper-server's process ids, from its unit in the same slice as the proxy's.

        Empty if it is not running, or not as that unit.
        """
        try:
            lines = (self.proc / "self" / "cgroup").read_text("ascii").splitlines()
            own = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
            units = [(self.cgroups / path).with_name(SERVER_UNIT) for path in own]
            return {pid for unit in units for pid in (unit / "cgroup.procs").read_text().split()}
        except (OSError, ValueError):
            return set()

    def in_use(self, pids: Set[str]) -> Processor | None:
        """Return what whisper-server runs on, None if unknown.

        pids: its process ids from before the last successful health check. If they have changed
        since, it was restarted, and may not have loaded its model yet.
        """
        return self._by_clients(pids) if self.address else self._by_kfd(pids)

    def _by_clients(self, pids: Set[str]) -> Processor | None:
        try:
            used: dict[str, int] = {}
            for pid in pids:
                for file in (self.proc / pid / "fdinfo").iterdir():
                    used |= _client(file.read_text(), self.address)
        except (OSError, ValueError):  # the process has just ended, or an old kernel
            return None
        if sum(used.values()) >= max(self.memory, MIN_MODEL_BYTES):
            return "gpu"
        return "cpu" if pids and self.memory and pids == self.server_pids() else None

    def _by_kfd(self, pids: Set[str]) -> Processor | None:
        try:
            users = set(os.listdir(self.kfd / "proc"))
            memory = sum(self._memory(pid) for pid in pids & users)
        except (OSError, ValueError):  # no KFD, or the process has just ended
            return None
        if memory >= max(self.memory, MIN_MODEL_BYTES):
            return "gpu"
        if not pids or pids != self.server_pids():
            return None
        # Too little GPU memory proves it if the minimum is known, and so does not using KFD at all.
        proves_cpu = bool(self.memory) if pids & users else self._shares_pid_namespace(users)
        return "cpu" if proves_cpu else None

    def _memory(self, pid: str) -> int:
        files = (self.kfd / "proc" / pid).iterdir()
        return sum(int(file.read_text()) for file in files if file.name.startswith("vram_"))

    def _shares_pid_namespace(self, pids: Set[str]) -> bool:
        # KFD shows the host's process ids, which mean nothing in a container with its own
        # namespace (rocm-systems pull request 3752).
        return all((self.proc / pid).exists() for pid in pids)


def _client(fdinfo: str, address: str) -> dict[str, int]:
    """Return the bytes that a client of the GPU at this address has, by its number; {} for others.

    Raises ValueError where the kernel does not say. A client may have several files.
    """
    found = FDINFO.findall(fdinfo)
    said = {key: value for key, _, value, _ in found}
    if said.get("pdev") != address:
        return {}
    sizes: dict[str, int] = {}
    for _, region, value, unit in found:
        if region:  # of two names for it, the larger
            sizes[region] = max(sizes.get(region, 0), int(value) * UNITS[unit])
    if not sizes:
        raise ValueError("no memory")
    return {said.get("client-id", ""): sum(sizes.values())}
