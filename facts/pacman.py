"""pacman's view of packages."""

from collections.abc import Iterable, Sequence

from pyinfra.api import FactBase, QuoteString, StringCommand


class MissingPackages(FactBase[list[str]]):
    """Those of `packages` that nothing installed provides (pacman -T)."""

    default = list

    def command(self, packages: Sequence[str]) -> StringCommand:
        # pacman -T exits with 127 when something is missing.
        return StringCommand("pacman", "-T", *map(QuoteString, packages), "|| [ $? -eq 127 ]")

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)
