"""Stage 7: both systemd user services, enabled, and restarted only where they are stale."""

import hashlib
from functools import cache
from io import StringIO
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pyinfra.operations import files

from core.layout import PROXY_UNIT, SERVER_UNIT
from operations import user_unit
from tasks import proxy
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
    _unit(
        target,
        SERVER_UNIT,
        depends_on=settings.model.sha256,
        program=f"{layout.build}/bin/whisper-server",
        url=f"http://127.0.0.1:{settings.whisper_port}/",
    )
    _unit(
        target,
        PROXY_UNIT,
        depends_on=f"{proxy.version()} {proxy.LOCK_SHA256}",
        program=f"{layout.venv}/bin/python",
        url=f"{settings.proxy_url}/health",
    )


def _unit(target: Target, unit: str, depends_on: str, program: str, url: str) -> None:
    text, revision = render(
        unit,
        depends_on,
        settings=target.settings,
        order=target.order,
    )
    files.put(
        name=f"Write {unit}",
        src=StringIO(text),
        dest=f"{target.layout.units}/{unit}",
        mode="644",
    )
    user_unit.running(name=f"Run {unit}", unit=unit, revision=revision, program=program, url=url)
