"""Devices as Vulkan shows them, and which of them is the chosen GPU."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from voicemode_whisper.core.gpu import Gpu

# The heading of a device in what vulkaninfo(1) prints, and the lines that are read below it.
HEADING = re.compile(r"GPU(\d+):")
PROPERTY = re.compile(
    r"\s*(deviceName|deviceType|driverName|pciDomain|pciBus|pciDevice|pciFunction)\s*=\s*(.*)"
)
CPU = "PHYSICAL_DEVICE_TYPE_CPU"


@dataclass(frozen=True)
class VulkanDevice:
    """One device: its place in the order of vkEnumeratePhysicalDevices, which ggml counts too.

    `name` and `driver` are those that ggml's log has: "AMD Radeon RX 7800 XT (RADV NAVI32)",
    "radv". `address` is that on the PCI bus, empty where it is on none.
    """

    index: int
    name: str
    driver: str
    address: str = ""
    is_cpu: bool = False

    to_json = asdict  # for `pyinfra … fact`


def parse_devices(lines: Iterable[str]) -> list[VulkanDevice]:
    """Read what vulkaninfo prints."""
    found: dict[int, dict[str, str]] = {}
    values: dict[str, str] = {}
    for line in lines:
        heading, known = HEADING.fullmatch(line.strip()), PROPERTY.fullmatch(line)
        if heading:
            values = found.setdefault(int(heading[1]), {})
        elif known:
            values[known[1]] = known[2].strip()
    return [_device(index, found[index]) for index in sorted(found) if "deviceName" in found[index]]


def _device(index: int, values: dict[str, str]) -> VulkanDevice:
    keys = ("pciDomain", "pciBus", "pciDevice", "pciFunction")
    address = ""
    if all(key in values for key in keys):
        domain, bus, device, function = (int(values[key], 0) for key in keys)
        address = f"{domain:04x}:{bus:02x}:{device:02x}.{function}"
    is_cpu = values.get("deviceType") == CPU
    return VulkanDevice(index, values["deviceName"], values.get("driverName", ""), address, is_cpu)


def choose_device(devices: Sequence[VulkanDevice], gpu: Gpu) -> VulkanDevice | None:
    """The device that is the GPU; None where Vulkan does not show it."""
    if gpu.is_software:
        return next((device for device in devices if device.is_cpu), None)
    return next((device for device in devices if device.address == gpu.address), None)
