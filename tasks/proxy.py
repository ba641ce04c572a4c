"""Stage 6: the OpenAI-compatible proxy and its virtual environment."""

import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

from core.fingerprint import fingerprint
from operations import live, venv
from tasks.target import ROOT, Target, stage

PACKAGE = ROOT / "files" / "whisper_proxy"
LOCK = ROOT / "requirements" / "proxy.lock"
LOCK_SHA256 = hashlib.sha256(LOCK.read_bytes()).hexdigest()


@cache
def archive() -> bytes:
    """The proxy as a tar file: the package whisper_proxy and requirements.lock.

    The same sources give the same bytes, whoever made the checkout and when.
    """
    sources = {f"whisper_proxy/{path.relative_to(PACKAGE)}": path for path in PACKAGE.rglob("*.py")}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, path in sorted({**sources, "requirements.lock": LOCK}.items()):
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


@stage("Proxy")
def install(target: Target) -> None:
    """Have the proxy's code, and a virtual environment made from its lock file, beside the live."""
    layout = target.layout
    live.unpack(name="Copy the proxy", archive=archive(), path=layout.proxy, version=version())
    venv.locked(
        name="Have the proxy's virtual environment",
        path=layout.venv,
        lock=f"{layout.proxy}-{version()}/requirements.lock",
        lock_sha256=LOCK_SHA256,
    )
