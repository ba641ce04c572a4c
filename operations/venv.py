"""Virtual environments that are exactly what a lock file says."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from core.fingerprint import fingerprint
from facts.files import Exists
from facts.toolchain import Python
from operations.connection import operation
from operations.live import point
from operations.refuse import refusal
from operations.shown import alone, narrated


def _version(lock_sha256: str) -> str | None:
    """Twelve hexadecimal digits that change with the lock file and the system's Python."""
    python = host.get_fact(Python)
    if python is None:
        return None
    return fingerprint(f"{lock_sha256} {python}")


@operation()
def locked(path: str, lock: str, lock_sha256: str) -> Generator[StringCommand]:
    """Have a virtual environment PATH-VERSION made from a lock file with hashes.

    Another lock file, or another Python of the system, makes another version.

    + path: the link beside which it lies
    + lock: the lock file on the host
    + lock_sha256: its SHA-256
    """
    version = _version(lock_sha256)
    if version is None:
        yield refusal("python: not installed; the packages stage installs it")
        return
    final = f"{path}-{version}"
    done = f"{final}/.complete"
    if host.get_fact(Exists, path=done):
        host.noop(f"{final} is there")
        return
    parent = path.rpartition("/")[0]
    yield alone(parent, narrated("python", "-m", "venv", "--clear", final))
    pip = (f"{final}/bin/python", "-m", "pip", "--disable-pip-version-check", "--no-input")
    install = ("install", "--require-hashes", "-r", lock)
    yield alone(parent, narrated(*pip, *install))
    yield StringCommand("sync -f", QuoteString(final), "&& touch", QuoteString(done))


@operation()
def switch(path: str, lock_sha256: str) -> Generator[StringCommand]:
    """Make the virtual environment that `locked` made of this lock file the live one.

    + path, lock_sha256: as for `locked`
    """
    yield from point(path, f"{path.rpartition('/')[2]}-{_version(lock_sha256)}")
