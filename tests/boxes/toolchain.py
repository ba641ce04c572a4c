"""Compilers for GPUs in a directory, without a box: enough to configure whisper.cpp and compile it.

HIP's and Vulkan's are made of the same Debian packages as the pacman repository of boxes with ROCm,
in the same layout, in less than a minute: no package is installed, they are only unpacked. What
takes minutes is left out: rocBLAS's kernels for every card. So nothing that is linked against it
runs.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import debian
from .kinds import HIP, HIP_LINKS
from .repository import LINKS
from .shell import run

TARGETS = (
    *("ccache", "cmake", "g++", "gcc", "git", "ninja-build"),
    *("hipcc", "libamdhip64-dev", "libhipblas-dev", "librocblas-dev"),
    *("glslc", "libvulkan-dev", "spirv-headers"),
    *("coreutils", "dash", "grep", "perl-base", "sed"),  # what Debian takes for granted
)
LEFT_OUT = "librocblas4"
LIBRARIES = Path("usr/lib/x86_64-linux-gnu")
PATH = "/usr/bin:/usr/sbin"
WORK = "work"  # what a program sees its working directory as


@dataclass(frozen=True)
class Toolchain:
    """A root filesystem with compilers in it."""

    root: Path

    def run(self, work: Path, *argv: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a program there and return what it printed; it sees `work` as /work.

        The mounts are in a namespace of their own, and end with the program.
        """
        settings = {"PATH": PATH, "HOME": f"/{WORK}", **(environment or {})}
        assignments = [f"{name}={value}" for name, value in settings.items()]
        mounts = f"mount -t proc proc {self.root}/proc && mount --bind {work} {self.root}/{WORK}"
        outside = ("unshare", "--mount", "sh", "-c", f'{mounts} && exec env -i "$@"', "sh")
        inside = ("chroot", self.root, "sh", "-c", f"cd /{WORK} && exec {shlex.join(argv)}")
        return run(*outside, *assignments, *inside)


def build(target: Path) -> None:
    """Unpack the packages into `target`, and put Arch's layout over them."""
    work = target.with_name(target.name + ".work")
    debs = debian.download_all(HIP.contents.suite, TARGETS, LEFT_OUT, work)
    target.mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda deb: run("dpkg-deb", "--extract", deb, target), debs))
    _complete(target)
    shutil.rmtree(work)


def _complete(root: Path) -> None:
    """What packages make when they are installed, Arch's paths, and a rocBLAS of no bytes."""
    for name in ("bin", "lib", "lib64", "sbin"):
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "tmp", WORK):
        (root / name).mkdir(exist_ok=True)
    for device, minor in (("null", "3"), ("urandom", "9")):
        run("mknod", "-m", "666", root / "dev" / device, "c", "1", minor)
    tools = {**LINKS["gcc"], **LINKS["g++"]}
    rocm = {path: link for links in HIP_LINKS.values() for path, link in links.items()}
    for path, link in {**tools, **rocm}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(link)
    _pretend_rocblas(root / LIBRARIES)
    run("ldconfig", "-r", root)


def _pretend_rocblas(libraries: Path) -> None:
    """Put an empty file where librocblas.so leads: CMake only asks whether it is there."""
    cmake = (libraries / "cmake/rocblas/rocblas-targets-release.cmake").read_text()
    name = next(
        word for word in cmake.replace('"', "/").split("/") if word.startswith("librocblas.so")
    )
    (libraries / name).touch()
