"""The kinds of boxes: ordinary ones, and those whose pacman has ROCm.

A kind says of which Debian a box is made and what its repository has. What it needs is built when
a box of that kind is first raised, so that nobody pays for ROCm who does not test it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .repository import ALIASES, LINKS, TARGETS, Contents
from .wheels import Python


@dataclass(frozen=True)
class Kind:
    """A kind of box; `suffix` tells its parts, and what is served to it, from others'."""

    suffix: str
    contents: Contents
    python: Python


PLAIN = Kind("", Contents("trixie"), Python("3.13", glibc_minor=41))

# No released Debian has HIP 6.1 or newer, which ggml asks for.
HIP_SUITE = "forky"
LLVM = "21"  # that which Debian's HIP is built with
CARD = "gfx1101"

# Arch's names, and what its rocm-hip-sdk pulls in of what ggml uses. Its other parts (solvers,
# sparse and random numbers, RCCL, ...) are left out. `rocminfo` has one name in both.
HIP_ALIASES = {
    "hip-runtime-amd": ("libamdhip64-dev", "hipcc"),
    "hipblas": ("libhipblas-dev",),
    "rocblas": ("librocblas-dev",),
    "rocm-llvm": (f"clang-{LLVM}", f"lld-{LLVM}", f"llvm-{LLVM}", f"rocm-device-libs-{LLVM}"),
    "rocm-hip-sdk": ("hip-runtime-amd", "hipblas", "rocblas", "rocm-llvm", "rocminfo"),
}

# Arch has everything of ROCm in /opt/rocm, Debian in /usr. These are links from Arch's paths to
# Debian's files, by the Arch package that has them there.
#
# As on Arch are bin/, lib/llvm/bin/, amdgcn/bitcode/, include/ and share/hip/version. Ours is the
# directory of the architecture in lib/: CMake's files find what they speak of by steps upwards
# from their own place, so they need the same depth as in Debian.
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_LLVM = f"usr/lib/llvm-{LLVM}"
HIP_LINKS = {
    "hip-runtime-amd": {
        "opt/rocm/bin/hipcc": "/usr/bin/hipcc",
        "opt/rocm/bin/hipconfig": "/usr/bin/hipconfig",
        "opt/rocm/include/hip": "/usr/include/hip",
        "opt/rocm/include/hsa": "/usr/include/hsa",
        "opt/rocm/include/amd_comgr": "/usr/include/amd_comgr",
        "opt/rocm/lib/x86_64-linux-gnu": f"/{_LIBRARIES}",
        "opt/rocm/share/hip": "/usr/share/hip",
    },
    "hipblas": {
        "opt/rocm/include/hipblas": "/usr/include/hipblas",
        "opt/rocm/include/hipblas-common": "/usr/include/hipblas-common",
    },
    "rocblas": {"opt/rocm/include/rocblas": "/usr/include/rocblas"},
    "rocm-llvm": {
        "opt/rocm/lib/llvm": f"/{_LLVM}",
        f"opt/rocm/lib/llvm-{LLVM}": f"/{_LLVM}",  # Debian's hipconfig looks here
        "opt/rocm/amdgcn": f"/{_LLVM}/lib/clang/{LLVM}/amdgcn",
    },
}

HIP = Kind(
    "-hip",
    Contents(
        HIP_SUITE,
        (
            *TARGETS,
            *("hipcc", "libamdhip64-dev", "libhipblas-dev", "librocblas-dev", "rocminfo"),
            *HIP_ALIASES["rocm-llvm"],
        ),
        {**ALIASES, **HIP_ALIASES},
        {**LINKS, **HIP_LINKS},
        # rocBLAS carries code for every card, 3.8 GB of it. One's own is enough.
        left_out=rf"/rocblas/.*(?!{CARD}\b)gfx",
    ),
    Python("3.14", glibc_minor=43),
)

ALL = (PLAIN, HIP)
