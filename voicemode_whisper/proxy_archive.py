"""The proxy's code, as it is sent to hosts."""

import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.resources import PROXY_LOCK, PROXY_PACKAGE

LOCK_SHA256 = hashlib.sha256(PROXY_LOCK.read_bytes()).hexdigest()


@cache
def archive() -> bytes:
    """The proxy as a tar file: the package whisper_proxy and requirements.lock.

    The same sources give the same bytes, whoever made the checkout and when.
    """
    sources = {
        f"whisper_proxy/{path.relative_to(PROXY_PACKAGE)}": path
        for path in PROXY_PACKAGE.rglob("*.py")
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, path in sorted({**sources, "requirements.lock": PROXY_LOCK}.items()):
            _add(tar, name, path)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    content = path.read_bytes()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def version() -> str:
    """Twelve hexadecimal digits that change with the proxy's code or its lock file."""
    return fingerprint(archive())
