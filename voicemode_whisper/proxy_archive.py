"""The proxy's code, as it is sent to hosts."""

import hashlib
import io
import tarfile
from collections.abc import Mapping
from functools import cache

from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.resources import PROXY_LOCK, PROXY_PACKAGE, WYOMING_LOCK

LOCK_SHA256 = hashlib.sha256(PROXY_LOCK.read_bytes()).hexdigest()
WYOMING_LOCK_SHA256 = hashlib.sha256(WYOMING_LOCK.read_bytes()).hexdigest()
LOCKS = {"requirements.lock": PROXY_LOCK, "wyoming.lock": WYOMING_LOCK}


@cache
def archive() -> bytes:
    """The proxy as a tar file: the package whisper_proxy, lock files, and their SHA256SUMS.

    The same sources give the same bytes, whoever made the checkout and when.
    """
    sources = {
        f"whisper_proxy/{path.relative_to(PROXY_PACKAGE)}": path
        for pattern in ("*.py", "page/[!.#]*[!~]")  # not what editors leave there
        for path in PROXY_PACKAGE.glob(pattern)
    }
    files = {name: path.read_bytes() for name, path in sorted({**sources, **LOCKS}.items())}
    return packed({**files, "SHA256SUMS": _sums(files)})


def packed(files: Mapping[str, bytes]) -> bytes:
    """A tar file of these, by name. The same files give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            _add(tar, name, content)
    return buffer.getvalue()


def _sums(files: Mapping[str, bytes]) -> bytes:
    """As sha256sum prints them, which reads them on the host."""
    sums = ((hashlib.sha256(content).hexdigest(), name) for name, content in files.items())
    return "".join(f"{sha256}  {name}\n" for sha256, name in sums).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


@cache
def version() -> str:
    """Twelve hexadecimal digits that change with the proxy's code or the lock files."""
    return fingerprint(archive())
