"""Virtual environments that are exactly what a lock file says."""

import hashlib
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from facts.files import Exists
from facts.toolchain import Python
from operations.live import point
from operations.refuse import refusal


@operation()
def locked(path: str, lock: str, lock_sha256: str) -> Generator[StringCommand]:
    """Have a virtual environment at `path` made from a lock file with hashes.

    It is made anew, beside the old one, when the lock or the system's Python changes.

    + path: link to the live environment
    + lock: the lock file on the host
    + lock_sha256: its SHA-256
    """
    python = host.get_fact(Python)
    if python is None:
        yield refusal("python: not installed; the packages stage installs it")
        return
    version = hashlib.sha256(f"{lock_sha256} {python}".encode()).hexdigest()[:12]
    final = f"{path}-{version}"
    done = f"{final}/.complete"
    if not host.get_fact(Exists, path=done):
        yield StringCommand("python -m venv --clear", QuoteString(final))
        yield StringCommand(
            QuoteString(f"{final}/bin/python"),
            "-m pip install -q --disable-pip-version-check --no-input --require-hashes -r",
            QuoteString(lock),
        )
        yield StringCommand("touch", QuoteString(done))
    yield from point(path, final.rpartition("/")[2])
