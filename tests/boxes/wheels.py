"""The wheels that pip installs on a box, whose Python is not this machine's."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from .shell import run

PYTHON = "3.13"  # Debian trixie's
GLIBC_MINOR = 41

# The environment that markers in a lock file are judged by (PEP 508).
BOX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON}.5",
    "python_version": PYTHON,
    "sys_platform": "linux",
}


def for_box(lock: str) -> str:
    """The requirements of a lock file that apply on a box, with hashes, without markers.

    pip itself would judge markers by the Python that it runs under.
    """
    lines = [line for line in lock.splitlines() if not line.lstrip().startswith(("#", "-r"))]
    entries = "\n".join(lines).replace("\\\n", " ").splitlines()
    return "".join(_entry(entry) for entry in entries if entry.strip())


def _entry(entry: str) -> str:
    """One requirement and its hashes on one line, or nothing where it does not apply."""
    hashes = re.findall(r"--hash=\S+", entry)
    requirement = Requirement(entry.partition("--hash")[0].strip())
    if requirement.marker and not requirement.marker.evaluate(dict(BOX)):
        return ""
    requirement.marker = None
    return " ".join([str(requirement), *hashes]) + "\n"


def platforms() -> list[str]:
    """Every wheel platform that a box can install, newest first: pip infers none of them."""
    modern = [f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC_MINOR, 4, -1)]
    return [*modern, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]


def build(target: Path, locks: Iterable[Path]) -> None:
    """Download into `target` the wheels that the lock files name, checked by hash."""
    target.mkdir()
    for lock in locks:
        requirements = target.with_name(f"{target.name}.{lock.name}")
        requirements.write_text(for_box(lock.read_text()))
        run(*_download(requirements, target))
        requirements.unlink()


def _download(requirements: Path, target: Path) -> list[str]:
    kinds = [word for name in platforms() for word in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    pip += ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}", *kinds]
    pip += ["--require-hashes", "--no-deps", f"--dest={target}", f"--requirement={requirements}"]
    return pip
