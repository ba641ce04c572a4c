"""pacman's view of packages."""

from collections.abc import Iterable, Sequence

from pyinfra.api import FactBase, QuoteString, StringCommand


class MissingPackages(FactBase[list[str]]):
    """Those of `packages` that nothing installed provides, and what was not installed to its end.

    pacman -T tells the first. The others lack their description, which pacman writes last, and
    count as installed all the same.
    """

    default = list

    def command(self, packages: Sequence[str]) -> StringCommand:
        # pacman -T exits with 127 when something is missing.
        return StringCommand(
            "pacman", "-T", *map(QuoteString, packages), "|| [ $? -eq 127 ];",
            "for package in /var/lib/pacman/local/*-*-*/; do",
            "if [ -d $package ] && [ ! -e $package/desc ];",
            "then name=${package%-*-*}; echo ${name##*/}; fi; done",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(output))
