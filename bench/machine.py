"""What it was measured on, and when."""

import os
import platform
from datetime import date
from pathlib import Path


def described() -> str:
    """Return the date, the cores that may be used, their model, the versions, and the load.

    The load is the mean number of processes that wanted to run in the last minute: asked before
    anything is measured, it tells how much of the machine others have.
    """
    return (
        f"{date.today().isoformat()}, {len(os.sched_getaffinity(0))} cores of "
        f"{processor(Path('/proc/cpuinfo').read_text())}, "
        f"Python {platform.python_version()}, Linux {platform.release()}, "
        f"load {os.getloadavg()[0]:.1f} before"
    )


def processor(cpuinfo: str) -> str:
    """Return the model of the first processor in /proc/cpuinfo; not all architectures name one."""
    for line in cpuinfo.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
