"""Packages, without the partial upgrade that Arch does not support."""

from collections.abc import Generator, Sequence

from pyinfra import host
from pyinfra.api import StringCommand

from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.pacman import MissingPackages
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.progress import with_progress
from voicemode_whisper.scripts import words


@operation()
def packages(packages: Sequence[str]) -> Generator[StringCommand]:
    """Install what is missing, together with the system's pending upgrades, in one transaction.

    + packages: names, as `pacman -S` takes them

    **Example:**

    .. code:: python

        pacman.packages(packages=["cmake", "ninja"], _sudo=True)
    """
    missing = read_fact(host, MissingPackages, packages=packages)
    if not missing:
        host.noop("all packages are installed")
        return
    upgrade = words("pacman", "-Syu", "--needed", "--noconfirm", *missing)
    yield with_progress(*words("with-proxies", "", *upgrade))
