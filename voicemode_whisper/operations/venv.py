"""Virtual environments that are exactly what a lock file says."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.files import Exists
from voicemode_whisper.facts.toolchain import Python
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.errors import user_error
from voicemode_whisper.operations.util.progress import with_lock, with_progress
from voicemode_whisper.scripts import words


def _version(lock_sha256: str) -> str | None:
    """Twelve hexadecimal digits that change with the lock file and the system's Python."""
    python = read_fact(host, Python)
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
        yield user_error("python: not installed; the packages stage installs it")
        return
    final = f"{path}-{version}"
    done = f"{final}/.complete"
    if read_fact(host, Exists, path=done):
        host.noop(f"{final} is there")
        return
    parent = path.rpartition("/")[0]
    # Temporary files lie beside it: there is room for it, and what is cut off leaves them there.
    temporary = f"{final}.new"
    within = ("env", f"TMPDIR={temporary}")
    yield StringCommand("mkdir -p", QuoteString(temporary))
    yield with_lock(parent, with_progress(*within, "python", "-m", "venv", "--clear", final))
    pip = words("with-index", f"{final}/bin/python", "--disable-pip-version-check", "--no-input")
    install = ("install", "--require-hashes", "-r", lock)
    outside = words("with-proxies", "")
    yield with_lock(parent, with_progress(*within, *outside, *pip, *install))
    yield StringCommand(
        "rm -rf", QuoteString(temporary), "&& sync -f", QuoteString(final), "&& touch",
        QuoteString(done),
    )  # fmt: skip
