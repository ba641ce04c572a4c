"""Packages, without the partial upgrade that Arch does not support."""

from collections.abc import Generator, Sequence

from pyinfra import host
from pyinfra.api import StringCommand

from facts.pacman import MissingPackages
from operations.connection import operation
from operations.scripts import words
from operations.shown import narrated


@operation()
def packages(packages: Sequence[str]) -> Generator[StringCommand]:
    """Install what is missing, together with the system's pending upgrades, in one transaction.

    + packages: names, as `pacman -S` takes them

    **Example:**

    .. code:: python

        pacman.packages(packages=["cmake", "ninja"], _sudo=True)
    """
    missing = host.get_fact(MissingPackages, packages=packages)
    if not missing:
        host.noop("all packages are installed")
        return
    yield narrated(*words("pacman", "-Syu", "--needed", "--noconfirm", *missing))
