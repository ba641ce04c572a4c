"""This project, as it is sent to machines that upgrade themselves: laid out as a checkout is."""

import hashlib
from functools import cache
from pathlib import Path

from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.host import DEFAULTS
from voicemode_whisper.proxy_archive import packed
from voicemode_whisper.resources import DEPLOY_LOCK, PACKAGE, ROOT

LOCK_SHA256 = hashlib.sha256(DEPLOY_LOCK.read_bytes()).hexdigest()
# What lies beside the package in a checkout, and inside it in a wheel.
BESIDE = (
    "deploy.py",
    "tasks/*.py",
    "templates/*.j2",
    "files/whisper_proxy/*.py",
    "files/whisper_proxy/page/*",
    "files/jfk.opus",
    "group_data/all.py",
    "requirements/proxy.lock",
    "requirements/wyoming.lock",
    "requirements/deploy.lock",
)


@cache
def archive() -> bytes:
    """The project as a tar file, the same from a checkout and from a wheel."""
    beside = {path for pattern in BESIDE for path in ROOT.glob(pattern)}
    inside = {path for pattern in ("*.py", "scripts/*.sh") for path in PACKAGE.rglob(pattern)}
    named = {
        **{path.relative_to(ROOT): path for path in beside},
        **{Path(PACKAGE.name) / path.relative_to(PACKAGE): path for path in inside - beside},
    }
    files = {str(name): path.read_bytes() for name, path in sorted(named.items())}
    return packed({**files, "group_data/all.py": _no_defaults()})


def _no_defaults() -> bytes:
    """The names of the settings alone: the inventory has the values, for its owner to read.

    The operator's own file may have passwords, or take them from an environment that is not there.
    """
    names = "".join(f"{name} = None\n" for name in DEFAULTS)
    return f"# Written by the deploy: the values stand in ../../inventory.py.\n{names}".encode()


@cache
def version() -> str:
    """Twelve hexadecimal digits that change with any of its files."""
    return fingerprint(archive())
