"""Whether a program really computes where it should: the one rule, for all who ask.

The acceptance of a build, verify and the doctor call it; the proxy is given `least_memory` and
compares with it in /health.
"""

from collections.abc import Sequence

from voicemode_whisper.core.backend_log import Usage, usage
from voicemode_whisper.core.gpu import Gpu

# Bytes of the smallest model that there is, in round figures; one of unknown size counts as this.
SMALLEST_MODEL = 2**25


def account(backend: str, gpu: Gpu | None, kfd: str) -> str:
    """Where the kernel accounts the GPU's memory: see gpu-memory.sh."""
    return gpu.address if gpu and backend == "vulkan" else kfd


def least_memory(gpu: Gpu, model: int | None, backend: str = "hip") -> int:
    """Bytes of the GPU's memory from which on a model of `model` bytes counts as being there.

    Half of it has to be. 0 where the kernel does not account for it: of integrated graphics with
    HIP, which keep a model in the machine's memory, and of llvmpipe.
    """
    if gpu.is_software or (gpu.integrated and backend == "hip"):
        return 0
    return (model or SMALLEST_MODEL) // 2


def device_mismatch(
    log: Sequence[str],
    backend: str,
    gpu: Gpu | None,
    memory: int | None,
    model: int | None,
    device: str = "",
) -> str | None:
    """What a service computes on, where that is not what was chosen.

    `log` is its start-up log, which journald has forgotten of one that runs for long: then the
    kernel decides alone, as `memory_mismatch` does; and what was built for the CPU has no choice.
    `device` is the GPU's name in Vulkan.
    """
    used = usage(log)
    other = memory_mismatch(gpu, memory, model, backend) if gpu else None
    shown = backend == "cpu" or (gpu and memory and least_memory(gpu, model, backend) and not other)
    if shown and used.backend is None:
        return None
    return backend_mismatch(used, backend, gpu, device) or other


def backend_mismatch(used: Usage, backend: str, gpu: Gpu | None, device: str = "") -> str | None:
    """What a program computes on, where that is not the backend and the GPU that were chosen.

    `device` is the GPU's name in Vulkan, empty where Vulkan does not show it.
    """
    if used.backend != backend:
        because = f" ({used.line})" if used.line else ""
        return f"{used.backend or 'an unknown device'} instead of {backend}{because}"
    if gpu is None:
        return None
    if backend == "vulkan":
        return _other_vulkan_device(used, gpu, device)
    if backend == "hip" and used.gfx != gpu.target:
        other = f"{used.device} ({used.gfx})" if used.gfx else "a GPU that its log does not name"
        return f"{other} instead of {gpu.label}"
    return None


def _other_vulkan_device(used: Usage, gpu: Gpu, device: str) -> str | None:
    if used.is_software and not gpu.is_software:
        return f"{used.device}, which is the CPU, instead of {gpu.label}"
    if not used.device or used.device != device:
        return f"{used.device or 'a GPU that its log does not name'} instead of {gpu.label}"
    return None


def memory_mismatch(
    gpu: Gpu, used: int | None, model: int | None, backend: str = "hip"
) -> str | None:
    """Where a model lies, in words, if the kernel accounts too little of the GPU's memory for it.

    `used` are the bytes that it accounts to the process, None where it does not account; `model` is
    the size of the file in bytes, None where unknown.
    """
    if used is None or used >= least_memory(gpu, model, backend):
        return None
    return f"the CPU: the kernel accounts {used >> 20} MiB of {gpu.label} to it"
