"""What the kernel measures of the GPU: its power, its memory, and how busy it is.

The files of a GPU's directory in sysfs: docs.kernel.org/gpu/amdgpu/thermal.html for power and load,
docs.kernel.org/gpu/amdgpu/driver-misc.html for memory. Anyone may read them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# Most say the first; some say the second instead, since Linux 6.6.
POWER = ("hwmon/hwmon*/power1_average", "hwmon/hwmon*/power1_input")


def read_sensors(device: Path) -> dict[str, float | int | None]:
    """Return watts, busy (percent), memory_used and memory_total (bytes of the card's own memory).

    None is what the kernel does not say. A GPU that sleeps is not woken: it says no more than its
    memory.
    """
    awake = _read(device, "power/runtime_status", str.strip) != "suspended"
    return {
        "watts": _watts(device) if awake else None,
        "busy": _read(device, "gpu_busy_percent", int) if awake else None,
        "memory_used": _read(device, "mem_info_vram_used", int),
        "memory_total": _read(device, "mem_info_vram_total", int),
    }


def _watts(device: Path) -> float | None:
    said = (_read(device, name, int) for name in POWER)
    return next((microwatts / 1e6 for microwatts in said if microwatts is not None), None)


def _read(device: Path, name: str, parse: Callable[[str], T]) -> T | None:
    for file in device.glob(name):
        try:
            return parse(file.read_text("ascii"))
        except (OSError, ValueError):
            continue
    return None
