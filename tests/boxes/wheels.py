"""The wheels that pip installs on a box, whose Python is not this machine's."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from .shell import run


@dataclass(frozen=True)
class Python:
    """The Python of a box, and its C library: glibc 2.`glibc_minor`."""

    version: str
    glibc_minor: int

    @property
    def environment(self) -> dict[str, str]:
        """What markers in a lock file are judged by (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.version}.5",
            "python_version": self.version,
            "sys_platform": "linux",
        }

    @property
    def platforms(self) -> list[str]:
        """Every wheel platform that it can install, newest first: pip infers none of them."""
        modern = [f"manylinux_2_{minor}_x86_64" for minor in range(self.glibc_minor, 4, -1)]
        return [*modern, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]


def for_box(lock: str, python: Python) -> str:
    """The requirements of a lock file that apply on a box, with hashes, without markers.

    pip itself would judge markers by the Python that it runs under.
    """
    lines = [line for line in lock.splitlines() if not line.lstrip().startswith(("#", "-r"))]
    entries = "\n".join(lines).replace("\\\n", " ").splitlines()
    return "".join(_entry(entry, python) for entry in entries if entry.strip())


def _entry(entry: str, python: Python) -> str:
    """One requirement and its hashes on one line, or nothing where it does not apply."""
    hashes = re.findall(r"--hash=\S+", entry)
    requirement = Requirement(entry.partition("--hash")[0].strip())
    if requirement.marker and not requirement.marker.evaluate(python.environment):
        return ""
    requirement.marker = None
    return " ".join([str(requirement), *hashes]) + "\n"


def build(target: Path, locks: Iterable[Path], python: Python) -> None:
    """Download into `target` the wheels that the lock files name, checked by hash."""
    target.mkdir()
    for lock in locks:
        requirements = target.with_name(f"{target.name}.{lock.name}")
        requirements.write_text(for_box(lock.read_text(), python))
        run(*_download(requirements, target, python))
        requirements.unlink()


def _download(requirements: Path, target: Path, python: Python) -> list[str]:
    kinds = [word for name in python.platforms for word in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    pip += ["--only-binary=:all:", "--implementation=cp", *kinds]
    pip += [f"--python-version={python.version}"]
    pip += ["--require-hashes", "--no-deps", f"--dest={target}", f"--requirement={requirements}"]
    return pip
