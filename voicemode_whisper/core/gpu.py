"""AMD GPUs as the kernel shows them, and which of them to use.

KFD, the compute part of its driver, says most. Older cards it does not know: of those there is what
the PCI bus shows.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from voicemode_whisper.core.errors import UserError

# Heap types of GPU memory in KFD's mem_banks: visible to the CPU or not (hsakmttypes.h).
FRAME_BUFFERS = (1, 2)
# The kernel's driver for all that is younger than GCN's first cards, which can have it too.
DRIVER = "amdgpu"

# Graphics of a processor, by architecture (LLVM's AMDGPUUsage: APU).
INTEGRATED = {
    "gfx902", "gfx909", "gfx90c", "gfx1013", "gfx1033", "gfx1035", "gfx1036", "gfx1037",
    "gfx1103", "gfx1150", "gfx1151", "gfx1152", "gfx1153",
}  # fmt: skip
# Those with two compute units: a desktop's processor that has them is faster than they are.
WEAK = {"gfx1036", "gfx1037"}
# What Arch's rocBLAS has code for, of cards and processors for homes.
ROCBLAS = {
    "gfx1030", "gfx1100", "gfx1101", "gfx1102", "gfx1150", "gfx1151", "gfx1200", "gfx1201",
}  # fmt: skip
# RDNA2 has one instruction set under several names; rocBLAS comes with kernels for the first alone.
# There is no such way for gfx1103: as gfx1100 it hangs (rocm-libraries issue 6320).
NEIGHBOURS = dict.fromkeys(
    ("gfx1031", "gfx1032", "gfx1033", "gfx1034", "gfx1035", "gfx1036", "gfx1037"),
    ("gfx1030", "10.3.0"),
)


@dataclass(frozen=True)
class Gpu:
    """One GPU: LLVM's name for its architecture, local memory in bytes.

    `index` is its place among the GPUs, in the order of KFD's nodes: what ROCR_VISIBLE_DEVICES
    counts. For one that KFD does not know it is None, and `gfx` is empty. `address` is that on the
    PCI bus, `name` the marketing name; empty where unknown.
    """

    index: int | None
    gfx: str
    memory: int
    address: str = ""
    name: str = ""

    to_json = asdict  # for `pyinfra … fact`

    @property
    def integrated(self) -> bool:
        """Whether it is part of a processor, and no card."""
        return self.gfx in INTEGRATED

    @property
    def target(self) -> str:
        """The architecture to build for: its own, or that of a neighbour with the same code."""
        return NEIGHBOURS.get(self.gfx, (self.gfx, ""))[0]

    @property
    def override(self) -> str:
        """HSA_OVERRIDE_GFX_VERSION for builds for a neighbour, else empty."""
        return NEIGHBOURS.get(self.gfx, ("", ""))[1]

    @property
    def has_rocblas(self) -> bool:
        """Whether Arch's rocBLAS has code for it, or of a card for a neighbour."""
        return self.gfx in ROCBLAS or (not self.integrated and self.target in ROCBLAS)

    @property
    def is_software(self) -> bool:
        """Whether it is none, but a program that stands in for one."""
        return self == LLVMPIPE

    @property
    def label(self) -> str:
        """For people: "AMD Radeon RX 7800 XT (gfx1101, 16 GiB, 0000:03:00.0)"."""
        if self.is_software:
            return "llvmpipe, which is the CPU"
        memory = f"{self.memory / 2**30:.3g} GiB" if self.memory else ""
        known = filter(None, (self.gfx, memory, self.address))
        return f"{self.name or 'AMD GPU'} ({', '.join(known)})"


# Mesa's Vulkan driver without a card, for tests (gpu_software).
LLVMPIPE = Gpu(None, "", 0, "", "llvmpipe")


def gfx_name(gfx_target_version: int) -> str:
    """Decode KFD's gfx_target_version: 110001 is gfx1101, 90010 is gfx90a."""
    major, rest = divmod(gfx_target_version, 10000)
    minor, step = divmod(rest, 100)
    return f"gfx{major}{minor:x}{step:x}"


def parse_topology(lines: Iterable[str]) -> list[Gpu]:
    """Read `PATH:KEY VALUE` lines of KFD's properties files into the GPUs among its nodes.

    PATH ends in nodes/N/properties or nodes/N/mem_banks/M/properties. A gfx_target_version of 0
    is a CPU. Lines `pci ADDRESS DRIVER BYTES NAME` give the names of devices, and those that KFD
    does not know though its driver has them.
    """
    nodes: dict[int, dict[str, int]] = {}
    banks: dict[tuple[int, str], dict[str, int]] = {}
    devices: dict[str, Gpu] = {}
    names: dict[str, str] = {}
    for line in lines:
        found = re.search(r"/(\d+)(/mem_banks/\d+)?/properties:(\w+) (\d+)$", line)
        if found and found[2]:
            banks.setdefault((int(found[1]), found[2]), {})[found[3]] = int(found[4])
        elif found:
            nodes.setdefault(int(found[1]), {})[found[3]] = int(found[4])
        elif line.startswith("pci "):
            _, address, driver, memory, name = line.split(" ", 4)
            # It goes into a unit file, where quotes, % and \ have meanings of their own.
            names[address] = re.sub(r"[^\w ()./+-]", "", name).strip()
            if driver == DRIVER:
                devices[address] = Gpu(None, "", int(memory), address, names[address])
    gpus = [node for node in sorted(nodes) if nodes[node].get("gfx_target_version")]
    known = [_gpu(index, node, nodes[node], banks, names) for index, node in enumerate(gpus)]
    addresses = {gpu.address for gpu in known}
    return known + [gpu for address, gpu in devices.items() if address not in addresses]


def _gpu(
    index: int,
    node: int,
    properties: Mapping[str, int],
    banks: Mapping[tuple[int, str], Mapping[str, int]],
    names: Mapping[str, str],
) -> Gpu:
    memory = sum(
        bank.get("size_in_bytes", 0)
        for (owner, _), bank in banks.items()
        if owner == node and bank.get("heap_type") in FRAME_BUFFERS
    )
    address = pci_address(properties.get("domain", 0), properties.get("location_id", 0))
    gfx = gfx_name(properties["gfx_target_version"])
    return Gpu(index, gfx, memory, address, names.get(address, ""))


def pci_address(domain: int, location: int) -> str:
    """Decode KFD's domain and location_id (bus, device and function in 16 bits): 0000:03:00.0."""
    if not location:
        return ""
    bus, device, function = location >> 8 & 0xFF, location >> 3 & 0x1F, location & 7
    return f"{domain:04x}:{bus:02x}:{device:02x}.{function}"


def choose_gpu(gpus: Sequence[Gpu]) -> Gpu | None:
    """The card with the most local memory; integrated graphics only where there is no card."""
    return max(
        gpus, key=lambda gpu: (not gpu.integrated, gpu.memory, -(gpu.index or 0)), default=None
    )


def choose_backends(wanted: str, gpu: Gpu | None) -> tuple[str, ...]:
    """Resolve whisper_backend to the backends that are to be tried, in this order.

    "hip", "vulkan" or "cpu". The first that passes acceptance serves, or with "fastest" the faster.
    """
    if wanted == "cpu" or (gpu is None and wanted in ("auto", "fastest")):
        return ("cpu",)
    if gpu is None:
        raise UserError(
            f"whisper_backend: got {wanted!r}, but the kernel shows no AMD GPU "
            "(/sys/class/kfd/kfd/topology has none); allowed here is cpu, or auto, which takes it"
        )
    if wanted == "hip" and gpu.index is None:
        raise UserError(
            "whisper_backend: got 'hip', but the kernel's compute driver does not know "
            f"{gpu.label}; allowed here is vulkan, or auto, which takes it"
        )
    if wanted in ("hip", "vulkan"):
        return (wanted,)
    if wanted == "auto" and gpu.gfx in WEAK:
        return ("cpu",)
    return ("hip", "vulkan") if gpu.has_rocblas else ("vulkan",)


def reason(backend: str, wanted: str, gpu: Gpu | None) -> str:
    """Why "auto" takes this backend and no faster one, for people; empty where there is none."""
    if backend == wanted:
        return "as whisper_backend says"
    if gpu is None:
        return "no AMD GPU found"
    if backend == "cpu":
        return (
            f"{gpu.label} has but two compute units; whisper_backend=vulkan uses them all the same"
        )
    if backend == "vulkan" and not gpu.has_rocblas:
        return f"ROCm has no code for {gpu.gfx}" if gpu.gfx else "ROCm does not know it"
    return ""


def choose_targets(wanted: Sequence[str], gpu: Gpu | None) -> tuple[str, ...]:
    """The architectures to build for: those given, or for "auto" (none given) the GPU's alone."""
    if gpu and wanted and gpu.target not in wanted:
        raise UserError(
            f"gpu_targets: got {';'.join(wanted)!r}, which lacks {gpu.target}, that this host's "
            f"{gpu.label} needs; allowed is auto, or a list with {gpu.target} in it"
        )
    return tuple(wanted) or ((gpu.target,) if gpu else ())
