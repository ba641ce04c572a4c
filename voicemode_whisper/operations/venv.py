"""Virtual environments that are exactly what a lock file says."""

from collections.abc import Generator

from pyinfra.api import StringCommand

from voicemode_whisper.core.venv import PROXY, Program
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.venv import have


@operation()
def locked(
    path: str, lock: str, lock_sha256: str, program: Program = PROXY
) -> Generator[StringCommand]:
    """Have a virtual environment PATH-VERSION made from a lock file with hashes.

    Another lock file, or another Python of the system, makes another version. One from which
    nothing starts any more is made anew.

    + path: the link beside which it lies
    + lock: the lock file on the host
    + lock_sha256: its SHA-256
    + program: what is to run from it
    """
    yield from have(path, lock, lock_sha256, program)
