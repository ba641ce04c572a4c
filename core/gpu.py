"""AMD GPUs as the kernel's KFD topology shows them, and which of them to use."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from core.refusal import Refusal

# Heap types of GPU memory in KFD's mem_banks: visible to the CPU or not (hsakmttypes.h).
FRAME_BUFFERS = ("1", "2")


@dataclass(frozen=True)
class Gpu:
    """One GPU: LLVM's name for its architecture, local memory in bytes.

    `index` is its place among the GPUs, in the order of KFD's nodes: what ROCR_VISIBLE_DEVICES
    counts.
    """

    index: int
    gfx: str
    memory: int

    to_json = asdict  # for `pyinfra … fact`


def gfx_name(gfx_target_version: int) -> str:
    """Decode KFD's gfx_target_version: 110001 is gfx1101, 90010 is gfx90a."""
    major, rest = divmod(gfx_target_version, 10000)
    minor, step = divmod(rest, 100)
    return f"gfx{major}{minor:x}{step:x}"


def parse_topology(lines: Iterable[str]) -> list[Gpu]:
    """Read `PATH:KEY VALUE` lines of KFD's properties files into the GPUs among its nodes.

    PATH ends in nodes/N/properties or nodes/N/mem_banks/M/properties. A gfx_target_version of 0
    is a CPU.
    """
    versions: dict[int, int] = {}
    banks: dict[tuple[int, str], dict[str, str]] = {}
    for line in lines:
        match = re.search(r"/nodes/(\d+)(/mem_banks/\d+)?/properties:(\w+) (\S+)", line)
        if not match:
            continue
        node, bank, key, value = int(match[1]), match[2], match[3], match[4]
        if bank:
            banks.setdefault((node, bank), {})[key] = value
        elif key == "gfx_target_version":
            versions[node] = int(value)
    nodes = [(node, version) for node, version in sorted(versions.items()) if version]
    return [
        Gpu(index, gfx_name(version), _memory(node, banks))
        for index, (node, version) in enumerate(nodes)
    ]


def _memory(node: int, banks: dict[tuple[int, str], dict[str, str]]) -> int:
    return sum(
        int(bank.get("size_in_bytes", 0))
        for (owner, _), bank in banks.items()
        if owner == node and bank.get("heap_type") in FRAME_BUFFERS
    )


def choose_gpu(gpus: Sequence[Gpu]) -> Gpu | None:
    """The GPU with the most local memory: a card before the processor's integrated graphics."""
    return max(gpus, key=lambda gpu: (gpu.memory, -gpu.index), default=None)


def choose_backend(wanted: str, gpu: Gpu | None) -> str:
    """Resolve whisper_backend to "hip" or "cpu"."""
    if wanted == "hip" and gpu is None:
        raise Refusal(
            "whisper_backend: got 'hip', but the kernel shows no AMD GPU "
            "(/sys/class/kfd/kfd/topology has none); allowed here is cpu, or auto, which takes it"
        )
    if wanted == "auto":
        return "hip" if gpu else "cpu"
    return wanted
