"""What whisper.cpp computes on, as its own log tells.

Nothing else of it tells: without a GPU it goes on with the CPU, and its /health says ok. The lines
are those of ggml and whisper.cpp v1.7.3 to v1.9.3. `use gpu = 1` is no evidence: builds for the CPU
print it too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

USING = re.compile(r"whisper_backend_init_gpu: using ROCm(\d+) backend")
MODEL_THERE = re.compile(r"ROCm\d+ total size")
DEVICE = re.compile(r"^\s*Device (\d+): (.*?), (gfx[0-9a-f]+)\b")
# Those that say most of what went wrong come first. The second follows upon "using ROCm0 backend".
CPU_LINES = (
    "failed to initialize ROCm",
    "ggml_backend_cuda_init: invalid device",
    "no GPU found",
    "CPU total size",
)
# What ggml's HIP backend says of itself, whether it finds a GPU or not.
HIP_BUILT = re.compile(r"ggml_cuda_init|ROCm")


@dataclass(frozen=True)
class Usage:
    """What a log shows: `backend` is "hip", "cpu", or None where the log does not tell.

    For "hip", `device` is the GPU's name and `gfx` LLVM's name for its architecture, both empty
    where they are not named; for "cpu", `line` is the line that decided. `hip_built` is whether the
    HIP backend is in the program at all.
    """

    backend: str | None
    device: str = ""
    gfx: str = ""
    line: str = ""
    hip_built: bool = False


def usage(lines: Iterable[str]) -> Usage:
    """Read the start-up log of one run of a program of whisper.cpp."""
    log = list(lines)
    hip_built = any(HIP_BUILT.search(line) for line in log)
    for mark in CPU_LINES:
        for line in log:
            if mark in line:
                return Usage("cpu", line=line.strip(), hip_built=hip_built)
    using = next((found for line in log if (found := USING.search(line))), None)
    if not using or not any(MODEL_THERE.search(line) for line in log):
        return Usage(None, hip_built=hip_built)
    device, gfx = devices(log).get(int(using[1]), ("", ""))
    return Usage("hip", device, gfx, hip_built=True)


def devices(lines: Iterable[str]) -> dict[int, tuple[str, str]]:
    """The GPUs that ROCm shows to a program, by ROCm's number: name and architecture."""
    found = (DEVICE.search(line) for line in lines)
    return {int(match[1]): (match[2].strip(), match[3]) for match in found if match}
