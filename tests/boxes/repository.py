"""A pacman repository out of Debian's packages, under Arch's names where they differ."""

from __future__ import annotations

import email
import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from . import debian
from .pacman import Package, depends, desc, installed_path, pkginfo, version
from .shell import BoxError, run

NAME = "cachyos"

# What is installed under Debian's name, which is Arch's too or is in ALIASES or SPLIT.
TARGETS = (
    "ccache", "cmake", "ffmpeg", "fish", "g++", "gcc", "git", "glslc", "haproxy", "libvulkan-dev",
    "libvulkan1", "locales", "make", "mesa-vulkan-drivers", "ninja-build", "patch", "pkgconf",
    "python3", "python3-venv", "spirv-headers", "vulkan-tools",
)  # fmt: skip

# Arch's name: the packages behind it.
ALIASES = {
    "base-devel": ("g++", "gcc", "make", "patch", "pkgconf"),
    "curl": (),  # in the root filesystem already, as on every Arch
    "ninja": ("ninja-build",),
    "python": ("python3", "python3-venv"),
    "shaderc": ("glslc",),
    "vulkan-headers": ("libvulkan-dev",),
    "vulkan-icd-loader": ("libvulkan1",),
}

# Debian's package: those that Arch has instead, and which files each has, as a regular expression.
# A driver has its manifest in usr/share/vulkan/icd.d/, and RADV brings Mesa's implicit layer.
SPLIT = {
    "mesa-vulkan-drivers": {
        "vulkan-radeon": "radeon|radv|device_select",
        "vulkan-swrast": "lvp",
    },
}

# package: {link: target}. Debian makes these when it configures a package (update-
# alternatives), Arch ships `python` as a link.
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
LINKS: dict[str, dict[str, str]] = {
    "gcc": {"usr/bin/cc": "gcc"},
    "g++": {"usr/bin/c++": "g++"},
    "libblas3": {f"{_LIBRARIES}/libblas.so.3": "blas/libblas.so.3"},
    "liblapack3": {f"{_LIBRARIES}/liblapack.so.3": "lapack/liblapack.so.3"},
    "python": {"usr/bin/python": "python3"},
}

Control = Mapping[str, str]  # fields of a .deb's control file


@dataclass(frozen=True)
class Contents:
    """What a repository has: Debian's packages of one suite, Arch's names for them, and links.

    `split` are those that are several packages on Arch. `left_out` are files that it is to lack, as
    a regular expression.
    """

    suite: str
    targets: tuple[str, ...] = TARGETS
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: ALIASES)
    links: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: LINKS)
    split: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: SPLIT)
    left_out: str = "(?!)"

    def parts(self, deb: Path, package: Package) -> list[tuple[Path, Package, str]]:
        """What becomes of a .deb: its package, or those that Arch has instead, with their files."""
        arch = self.split.get(package.name, {package.name: ""})
        return [(deb, replace(package, name=name), files) for name, files in arch.items()]


@dataclass(frozen=True)
class Writer:
    """Writes package files with these contents into `target`."""

    target: Path
    contents: Contents

    def convert(self, deb: Path, package: Package, files: str) -> None:
        """Write a package with those files of a .deb, without unpacking it to disk."""
        with ExitStack() as stack:
            command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
            reader = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            tree = stack.enter_context(tarfile.open(fileobj=reader.stdout, mode="r|"))
            self._write(package, lambda out: self._copy(tree, out, files))
        if reader.returncode:
            raise BoxError(f"dpkg-deb could not read {deb.name}")

    def alias(self, name: str, known: list[Package]) -> Package:
        """Write the package of an Arch name: dependencies and links; its version is the first's."""
        behind = self.contents.aliases[name]
        there = [package for wanted in behind for package in known if package.name == wanted]
        first = there[0] if there else Package(name, "1-1", "part of the root filesystem")
        package = replace(first, name=name, depends=behind, size=0)
        self._write(package, lambda out: None)
        return package

    def _write(self, package: Package, fill: Callable[[tarfile.TarFile], None]) -> None:
        """Write one package file: its .PKGINFO, what `fill` adds, and its links."""
        with ExitStack() as stack:
            command = ["zstd", "-q", "-1", "-o", str(self.target / package.filename)]
            packer = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE))
            out = stack.enter_context(tarfile.open(fileobj=packer.stdin, mode="w|"))
            _add_text(out, ".PKGINFO", pkginfo(package))
            fill(out)
            for path, link in self.contents.links.get(package.name, {}).items():
                out.addfile(_link(path, link))
        if packer.returncode:
            raise BoxError(f"zstd could not write {package.filename}")

    def _copy(self, tree: tarfile.TarFile, out: tarfile.TarFile, files: str) -> None:
        """Copy those of a .deb's files, each to where Arch has it."""
        for member in tree:
            path = installed_path(member.name)
            if path is None or re.search(self.contents.left_out, path):
                continue
            if not (member.isdir() or re.search(files, path)):
                continue
            hard_link = installed_path(member.linkname) if member.islnk() else None
            moved = member.replace(name=path, linkname=hard_link or member.linkname, deep=False)
            out.addfile(moved, tree.extractfile(member) if member.isreg() else None)


def build(target: Path, root: Path, contents: Contents) -> None:
    """Make the repository in `target`: all that its targets need and `root` lacks."""
    target.mkdir()
    work = target.with_name(target.name + ".work")
    writer = Writer(target, contents)
    debs = debian.download(root, contents.suite, contents.targets, work)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        whole = packages(list(pool.map(_control, debs)))
        parts = list(chain.from_iterable(map(contents.parts, debs, whole)))
        list(pool.map(writer.convert, *zip(*parts, strict=True)))
    known = [package for _, package, _ in parts]
    for name in contents.aliases:
        known.append(writer.alias(name, known))
    _write_database(target, known)
    shutil.rmtree(work)


def packages(controls: list[Control]) -> list[Package]:
    """pacman's packages for these .debs, in the same order."""
    names = {control["Package"] for control in controls}
    provides = {
        word.split()[0]: control["Package"]
        for control in controls
        for word in control.get("Provides", "").split(",")
        if word.strip()
    }
    return [_package(control, names, provides) for control in controls]


def _package(control: Control, names: set[str], provides: Mapping[str, str]) -> Package:
    needed = f"{control.get('Pre-Depends', '')},{control.get('Depends', '')}"
    return Package(
        name=control["Package"],
        version=version(control["Version"]),
        description=control["Description"].splitlines()[0],
        depends=depends(needed, names, provides),
        size=int(control.get("Installed-Size", "0")) * 1024,
    )


def _control(deb: Path) -> Control:
    return dict(email.message_from_string(run("dpkg-deb", "--field", deb)).items())


def _link(path: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    return info


def _add_text(out: tarfile.TarFile, path: str, text: str) -> None:
    info = tarfile.TarInfo(path)
    info.size = len(text.encode())
    out.addfile(info, io.BytesIO(text.encode()))


def _write_database(target: Path, known: list[Package]) -> None:
    """Write NAME.db, which pacman fetches under that very name."""
    with tarfile.open(target / f"{NAME}.db", "w:gz") as out:
        for package in sorted(known, key=lambda package: package.name):
            content = (target / package.filename).read_bytes()
            text = desc(package, len(content), hashlib.sha256(content).hexdigest())
            _add_text(out, f"{package.name}-{package.version}/desc", text)
