"""Stage 7: switch to what is new; both systemd user services, restarted only where stale."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.fingerprint import fingerprint
from core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from operations import live, setups, user_unit, venv, whisper
from tasks.proxy import LOCK_SHA256, version
from tasks.target import ROOT, Target, stage

# Stands in every unit file of ours, and in none that somebody wrote by hand.
MARKER = "# Written by the deploy"


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(ROOT / "templates")
    return Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)


def render(unit: str, depends_on: str, **values: Any) -> tuple[str, str]:
    """A unit file, and its revision: a name for the unit and all that `depends_on` names."""
    template = _templates().get_template(f"{unit}.j2")
    text = template.render(**values, revision="")
    revision = fingerprint(f"{text}\n{depends_on}")
    return template.render(**values, revision=revision), revision


@stage("Services")
def run(target: Target) -> None:
    """Switch to what was built and installed, and have both services run it, after boots too."""
    layout, settings, label = target.layout, target.settings, target.release.label
    setups.remember(
        name="Remember what serves now", layout=layout, api_key_file=settings.proxy_api_key_file
    )
    user_unit.kept_by_hand(
        name="Keep units written by hand",
        paths=[f"{layout.units}/{unit}" for unit in (SERVER_UNIT, PROXY_UNIT, PROXY_SOCKET)],
        marker=MARKER,
    )
    whisper.switch(name=f"Switch to whisper.cpp {label}", layout=layout, order=target.order)
    live.switch(name="Switch to the proxy's code", path=layout.proxy, version=version())
    venv.switch(
        name="Switch to the proxy's virtual environment",
        path=layout.venv,
        lock_sha256=LOCK_SHA256,
    )
    server, server_revision = _render(target, SERVER_UNIT, settings.model.sha256)
    proxy, proxy_revision = _render(target, PROXY_UNIT, f"{version()} {LOCK_SHA256}")
    socket, _ = _render(target, PROXY_SOCKET)
    user_unit.written(
        name="Write the units",
        directory=layout.units,
        units={SERVER_UNIT: server, PROXY_UNIT: proxy, PROXY_SOCKET: socket},
    )
    user_unit.running(
        name=f"Run {SERVER_UNIT}",
        unit=SERVER_UNIT,
        revision=server_revision,
        program=f"{layout.build}/bin/whisper-server",
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
        revision=proxy_revision,
        program=f"{layout.venv}/bin/python",
    )


def _render(target: Target, unit: str, depends_on: str = "") -> tuple[str, str]:
    return render(unit, depends_on, settings=target.settings, order=target.order)
