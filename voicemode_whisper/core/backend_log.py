"""What whisper.cpp computes on, as its own log tells.

Nothing else of it tells: without a GPU it goes on with the CPU, and its /health says ok. The lines
are those of ggml and whisper.cpp v1.7.3 to v1.9.3. `use gpu = 1` is no evidence: builds for the CPU
print it too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

USING = re.compile(r"whisper_backend_init_gpu: using (ROCm|Vulkan)(\d+) backend")
MODEL_THERE = re.compile(r"(ROCm|Vulkan)\d+ total size")
ROCM_DEVICE = re.compile(r"^\s*Device (\d+): (.*?), (gfx[0-9a-f]+)\b")
VULKAN_DEVICE = re.compile(r"^ggml_vulkan: (\d+) = (.*) \(([^()]*)\) \| ")
# What ggml says of GGML_VK_VISIBLE_DEVICES where there are fewer.
BAD_INDEX = "ggml_vulkan: Invalid device index"
# Those that say most of what went wrong come first. The second follows upon "using ROCm0 backend".
CPU_LINES = (
    "failed to initialize ROCm",
    "ggml_backend_cuda_init: invalid device",
    BAD_INDEX,
    "ggml_vulkan: No devices found",
    "no GPU found",
    "CPU total size",
)
# What ggml's HIP backend says, whether it finds a GPU or not; that of Vulkan may say nothing.
HIP = re.compile(r"ggml_cuda_init|ROCm")
# The VAD model is always on the CPU, and its start says of the GPU what a fall to the CPU would.
VAD = "whisper_vad"
BACKENDS = {"ROCm": "hip", "Vulkan": "vulkan"}
# Mesa's name for what computes on the processor.
SOFTWARE = "llvmpipe"


@dataclass(frozen=True)
class Usage:
    """What a log shows: `backend` is "hip", "vulkan", "cpu", or None where the log does not tell.

    `device` is the GPU's name; for "hip", `gfx` is LLVM's name for its architecture, for "vulkan",
    `driver` that of its driver: empty where they are not named. For "cpu", `line` is the line that
    decided, and `has_hip` whether the program has the HIP backend at all.
    """

    backend: str | None
    device: str = ""
    gfx: str = ""
    driver: str = ""
    line: str = ""
    has_hip: bool = False

    @property
    def is_software(self) -> bool:
        """Whether the device is the processor in the guise of a GPU."""
        return SOFTWARE in (self.driver, self.device.partition(" ")[0])


def usage(lines: Iterable[str]) -> Usage:
    """Read the start-up log of one run of a program of whisper.cpp."""
    log = list(takewhile(lambda line: not line.startswith(VAD), lines))
    for mark in CPU_LINES:
        for line in log:
            if mark in line:
                return Usage("cpu", line=line.strip(), has_hip=any(map(HIP.search, log)))
    using = next((found for line in log if (found := USING.search(line))), None)
    if not using or not any(MODEL_THERE.search(line) for line in log):
        return Usage(None)
    backend, number = BACKENDS[using[1]], int(using[2])
    if backend == "vulkan":
        device, driver = vulkan_devices(log).get(number, ("", ""))
        return Usage(backend, device, driver=driver)
    device, gfx = devices(log).get(number, ("", ""))
    return Usage(backend, device, gfx)


def devices(lines: Iterable[str]) -> dict[int, tuple[str, str]]:
    """The GPUs that ROCm shows to a program, by ROCm's number: name and architecture."""
    return _numbered(ROCM_DEVICE, lines)


def vulkan_devices(lines: Iterable[str]) -> dict[int, tuple[str, str]]:
    """The devices that ggml takes of those that Vulkan shows, by ggml's number: name and driver."""
    return _numbered(VULKAN_DEVICE, lines)


def _numbered(device: re.Pattern[str], lines: Iterable[str]) -> dict[int, tuple[str, str]]:
    found = (device.search(line) for line in lines)
    return {int(match[1]): (match[2].strip(), match[3]) for match in found if match}
