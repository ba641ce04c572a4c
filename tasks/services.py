"""Stage 7: both systemd user services, enabled, and restarted only where they are stale."""

import hashlib
from functools import cache
from io import StringIO
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pyinfra.operations import files

from core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from operations import user_unit
from tasks.proxy import LOCK_SHA256, version
from tasks.target import ROOT, Target, stage


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(ROOT / "templates")
    return Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)


def render(unit: str, depends_on: str, **values: Any) -> tuple[str, str]:
    """A unit file, and its revision: a name for the unit and all that `depends_on` names."""
    template = _templates().get_template(f"{unit}.j2")
    text = template.render(**values, revision="")
    revision = hashlib.sha256(f"{text}\n{depends_on}".encode()).hexdigest()[:12]
    return template.render(**values, revision=revision), revision


@stage("Services")
def run(target: Target) -> None:
    """Have whisper-server and the proxy running what is on disk, now and after every boot."""
    layout, settings = target.layout, target.settings
    files.directory(name="Make room for the units", path=layout.units)
    server = _write(target, SERVER_UNIT, depends_on=settings.model.sha256)
    proxy = _write(target, PROXY_UNIT, depends_on=f"{version()} {LOCK_SHA256}")
    _write(target, PROXY_SOCKET)
    user_unit.running(
        name=f"Run {SERVER_UNIT}",
        unit=SERVER_UNIT,
        revision=server,
        program=f"{layout.build}/bin/whisper-server",
        url=f"http://127.0.0.1:{settings.whisper_port}/",
    )
    user_unit.listening(
        name=f"Listen with {PROXY_SOCKET}",
        unit=PROXY_SOCKET,
        address=settings.proxy_address,
        service=PROXY_UNIT,
    )
    user_unit.running(
        name=f"Run {PROXY_UNIT}",
        unit=PROXY_UNIT,
        revision=proxy,
        program=f"{layout.venv}/bin/python",
        url=f"{settings.proxy_url}/health",
    )


def _write(target: Target, unit: str, depends_on: str = "") -> str:
    """Write a unit's file; its revision."""
    text, revision = render(unit, depends_on, settings=target.settings, order=target.order)
    path = f"{target.layout.units}/{unit}"
    files.put(name=f"Write {unit}", src=StringIO(text), dest=path, mode="644")
    return revision
