"""The tools that a build is made with."""

from collections.abc import Iterable, Sequence

from pyinfra.api import FactBase, QuoteString, StringCommand


class Toolchain(FactBase[list[str]]):
    """Versions of the given packages, of the C++ compiler and of the processor, one a line.

    The processor is part of it because whisper.cpp is built for the one that it is built on.
    """

    default = list

    def command(self, packages: Sequence[str]) -> StringCommand:
        return StringCommand(
            StringCommand("pacman -Q", *map(QuoteString, packages), "2>/dev/null;")
            if packages
            else "",
            "c++ --version 2>/dev/null | head -n 1;",
            "echo \"cpu $(grep -m1 '^flags' /proc/cpuinfo | sha256sum | cut -c1-12)\"",
        )

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class Python(FactBase[str | None]):
    """Version of the system's Python, such as 3.13; None where there is none."""

    def command(self) -> str:
        return "python -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])' 2>/dev/null || true"

    def process(self, output: Iterable[str]) -> str:
        return next(iter(output))
