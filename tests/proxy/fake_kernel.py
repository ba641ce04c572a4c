"""The kernel's files about processes, control groups and GPUs, in a folder."""

import shutil
from pathlib import Path

SLICE = "user.slice/user-1000.slice/user@1000.service/app.slice"
MODEL = 487 * 10**6  # small.en, in bytes


class FakeKernel:
    """A machine with an AMD GPU, with the proxy running as its unit. Paths as for `Gpu`."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self.cgroups = folder / "cgroup"
        self.kfd = folder / "kfd"
        self.own = self.proc / "self" / "cgroup"
        self.server = self.cgroups / SLICE / "voicemode-whisper.service" / "cgroup.procs"
        for directory in (self.own.parent, self.server.parent, self.kfd / "proc"):
            directory.mkdir(parents=True)
        self.own.write_text(f"0::/{SLICE}/voicemode-whisper-proxy.service\n")
        self.server.write_text("")

    def runs(self, *pids: str) -> None:
        """Set whisper-server's process ids."""
        for pid in pids:
            (self.proc / pid).mkdir(exist_ok=True)
        self.server.write_text("".join(f"{pid}\n" for pid in pids))

    def uses_gpu(self, pid: str, *memory: int | str) -> None:
        """Let a process open /dev/kfd and use this many bytes of memory on each GPU."""
        directory = self.kfd / "proc" / pid
        (directory / "queues").mkdir(parents=True)
        (directory / "pasid").write_text("32769\n")
        for number, size in enumerate(memory):
            (directory / f"vram_{4096 + number}").write_text(f"{size}\n")

    def opens_card(self, pid: str, number: int, text: str) -> None:
        """Let a process have a file open of which the kernel says this, under this number."""
        directory = self.proc / pid / "fdinfo"
        directory.mkdir(exist_ok=True)
        (directory / str(number)).write_text(text)

    def ends(self, pid: str) -> None:
        """End a process that had /dev/kfd open."""
        shutil.rmtree(self.proc / pid)
        shutil.rmtree(self.kfd / "proc" / pid)

    def shows_nothing(self) -> None:
        """Let the driver show no processes."""
        shutil.rmtree(self.kfd / "proc")
