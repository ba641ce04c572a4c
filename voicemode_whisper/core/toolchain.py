"""The tools that a build is made with, and where pacman has put them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from voicemode_whisper.core.vulkan import VulkanDevice, parse_devices


@dataclass(frozen=True)
class Toolchain:
    """`versions` is one line a tool, with its version: it decides whether a build is still good.

    `rocm` is the directory of ROCm and `hip_compiler` the path of its clang++; `icd` is the
    manifest of the Vulkan driver, as the loader's VK_DRIVER_FILES takes it, and `devices` are those
    that it shows. Empty where they were not asked for, or are not there.
    """

    versions: tuple[str, ...] = ()
    rocm: str = ""
    hip_compiler: str = ""
    icd: str = ""
    devices: tuple[VulkanDevice, ...] = ()

    to_json = asdict  # for `pyinfra … fact`


def parse_toolchain(lines: Iterable[str]) -> Toolchain:
    """Read what toolchain.sh prints: lines of a key and a value.

    Raises KeyError for another key, ValueError where the processor is missing.
    """
    said: dict[str, list[str]] = {
        key: [] for key in ("tool", "rocm", "hip-compiler", "icd", "vulkan")
    }
    for line in lines:
        key, _, value = line.partition(" ")
        said[key].append(value)
    if not said["tool"] or not said["tool"][-1].startswith("cpu "):
        raise ValueError(f"no processor: {said['tool']!r}")
    return Toolchain(
        tuple(said["tool"]),
        "".join(said["rocm"]),
        "".join(said["hip-compiler"]),
        ":".join(said["icd"]),
        tuple(parse_devices(said["vulkan"])),
    )
