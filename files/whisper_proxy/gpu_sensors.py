"""What the kernel measures of the GPU: its power, its memory, and how busy it is.

The files of a GPU's directory in sysfs: docs.kernel.org/gpu/amdgpu/thermal.html for power and load,
docs.kernel.org/gpu/amdgpu/driver-misc.html for memory. Anyone may read them.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Readings = dict[str, float | int | None]

# Most say the first; some say the second instead, since Linux 6.6.
POWER = ("hwmon/hwmon*/power1_average", "hwmon/hwmon*/power1_input")
# A card's own processor answers in milliseconds, one that is reset in seconds, if at all.
PATIENCE_SECONDS = 1.0


class Sensors:
    """Reads a GPU's directory beside the event loop, once for all who ask at the same time.

    So a card that hangs takes one thread, and not all those that transcripts are made in.
    """

    def __init__(self, device: Path) -> None:
        self._device = device
        self._reading: asyncio.Task[Readings] | None = None

    async def read(self) -> Readings | None:
        """Return what `read_sensors` returns, None if the card takes too long."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(asyncio.to_thread(read_sensors, self._device))
        done, _ = await asyncio.wait({self._reading}, timeout=PATIENCE_SECONDS)
        return self._reading.result() if done else None


def read_sensors(device: Path) -> Readings:
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
