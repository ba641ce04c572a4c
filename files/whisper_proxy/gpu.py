"""Whether whisper-server uses the GPU. It does not tell: without one it goes on with the CPU and
says that it is well. The kernel tells, in a few small files that everybody may read.

KFD, the compute side of the amdgpu driver, has a directory proc/PID for each process that has
/dev/kfd open, and in that a file vram_GPUID for each GPU: the bytes of GPU memory that the process
has allocated there (drivers/gpu/drm/amd/amdkfd/kfd_process.c in Linux, since 5.8).
"""

import os
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Processor = Literal["gpu", "cpu"]

SERVER_UNIT = "voicemode-whisper.service"
# Bytes of GPU memory: more than a process has there without a model, less than with the smallest.
MIN_MODEL_BYTES = 16 * 1024**2


@dataclass(frozen=True)
class Gpu:
    """The GPU that whisper-server was built for.

    kfd is KFD's directory; proc and cgroups are where procfs and the cgroups (v2) are mounted.
    memory: bytes of GPU memory that whisper-server takes at least; 0 where that is not known, as
    for integrated graphics, whose models may lie in memory that KFD does not count.
    """

    kfd: Path
    memory: int
    proc: Path = Path("/proc")
    cgroups: Path = Path("/sys/fs/cgroup")

    def server_pids(self) -> set[str]:
        """Return whisper-server's process ids: its unit is in the slice that the proxy's is in.

        None are found where it does not run, or not as that unit.
        """
        try:
            lines = (self.proc / "self" / "cgroup").read_text("ascii").splitlines()
            own = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
            units = [(self.cgroups / path).with_name(SERVER_UNIT) for path in own]
            return {pid for unit in units for pid in (unit / "cgroup.procs").read_text().split()}
        except (OSError, ValueError):
            return set()

    def in_use(self, pids: Set[str]) -> Processor | None:
        """Return what whisper-server runs on, None where nothing tells.

        pids are its process ids from before it was last found healthy. If it has others now, it
        was restarted in between, and its model may not be loaded yet.
        """
        try:
            users = set(os.listdir(self.kfd / "proc"))
            memory = sum(self._memory(pid) for pid in pids & users)
        except (OSError, ValueError):  # no KFD here, or the process has just ended
            return None
        if memory >= max(self.memory, MIN_MODEL_BYTES):
            return "gpu"
        if not pids or pids != self.server_pids():
            return None
        # Little memory says it where more is needed, and so does no use of KFD at all.
        proves_cpu = bool(self.memory) if pids & users else self._shares_pid_namespace(users)
        return "cpu" if proves_cpu else None

    def _memory(self, pid: str) -> int:
        files = (self.kfd / "proc" / pid).iterdir()
        return sum(int(file.read_text()) for file in files if file.name.startswith("vram_"))

    def _shares_pid_namespace(self, pids: Set[str]) -> bool:
        # KFD has the ids of the host: in a container, which has its own, they are nobody's
        # (rocm-systems pull request 3752).
        return all((self.proc / pid).exists() for pid in pids)
