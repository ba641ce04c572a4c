"""The units and environment files of a generation, made from the templates.

Units speak of `current` alone; what varies is in the environment files. Only a socket's address and
the bound of a service's memory, which follows from the model, have to stand in the unit.
"""

import runpy
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from voicemode_whisper.core.build import VAD_MODEL
from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.core.gateway import PoolSetup, PoolSpec
from voicemode_whisper.core.generations import GenerationSpec, ResolvedSpec
from voicemode_whisper.core.layout import (
    POOL_UNIT,
    POOL_UNITS,
    PROXY_SOCKET,
    PROXY_UNIT,
    SERVER_UNIT,
    UPGRADE_TIMER,
    UPGRADE_UNIT,
    WYOMING_UNIT,
)
from voicemode_whisper.core.memory_limits import proxy_memory, server_memory
from voicemode_whisper.core.placement import least_memory
from voicemode_whisper.core.pool import haproxy_config
from voicemode_whisper.core.power import sysfs_device
from voicemode_whisper.core.speed import ONE_QUEUE, Speed
from voicemode_whisper.resources import PROXY_PACKAGE, TEMPLATES

# Stands in every unit file of ours, and in none that somebody wrote by hand.
MARKER = "# Written by the deploy"

# The source of what tells whisper-server its secret request path.
PRELOADED = "request-path.c"


@dataclass(frozen=True)
class UnitFiles:
    """The text of each file, by its path in the generation, and the services' SERVICE_REVISION.

    `revisions` are those of "server", "proxy" and, where it is wanted, "wyoming".
    """

    files: dict[str, str]
    revisions: dict[str, str]


@cache
def templates_fingerprint() -> str:
    """Twelve hexadecimal digits that change with any template."""
    return fingerprint("\0".join(path.read_text() for path in sorted(TEMPLATES.iterdir())))


def render(resolved: ResolvedSpec, number: int, best: Speed | None, vad: bool) -> UnitFiles:
    """The files of generation `number`.

    `best` is the way in which its build was the fastest, None where none was timed, `vad` whether
    it has a VAD model.
    """
    spec = resolved.spec
    values = {
        "settings": spec.settings,
        "spec": spec.build,
        "model": spec.model,
        "flash_attention": best.flag if best else "",
        "queues": ONE_QUEUE if best and best.one_queue else {},
        "vad": f"build/{VAD_MODEL}" if vad else "",
        "environment": resolved.environment,
        "gpu_memory": _memory(spec),
        "gpu_device": sysfs_device(spec.settings.gpu_pci, spec.build.gpu),
        "in_pool": spec.in_pool,
        "tls": "../tls",
    }
    values["server_memory"] = server_memory(spec.model.size)
    values["proxy_memory"] = proxy_memory()
    units = {name: _render(name, **values) for name in (SERVER_UNIT, PROXY_UNIT, PROXY_SOCKET)}
    # Each generation has a secret of its own, which whisper-server reads when it is started.
    depends_on = f"{units[SERVER_UNIT]}{resolved.recipe.name}{spec.model.sha256} {number}"
    server, server_revision = _environment("server.env", depends_on, values)
    proxy, proxy_revision = _environment(
        "proxy.env", f"{units[PROXY_UNIT]}{spec.proxy}{resolved.venv}", values
    )
    files = {f"units/{name}": text for name, text in units.items()}
    files |= {"server.env": server, "proxy.env": proxy, PRELOADED: _render(PRELOADED)}
    made = UnitFiles(files, {"server": server_revision, "proxy": proxy_revision})
    return _with_wyoming(made, resolved) if spec.settings.wyoming else made


def _with_wyoming(made: UnitFiles, resolved: ResolvedSpec) -> UnitFiles:
    """The same with the service that Home Assistant asks."""
    spec = resolved.spec
    unit = _render(WYOMING_UNIT)
    languages = ["en"] if spec.model.is_english_only else _languages()
    values = {"settings": spec.settings, "model": spec.model, "languages": languages}
    text, revision = _environment("wyoming.env", f"{unit}{resolved.wyoming_venv}", values)
    files = {**made.files, f"units/{WYOMING_UNIT}": unit, "wyoming.env": text}
    return UnitFiles(files, {**made.revisions, "wyoming": revision})


@cache
def _languages() -> list[str]:
    """The codes of Whisper's languages, as the proxy has them."""
    return list(runpy.run_path(str(PROXY_PACKAGE / "languages.py"))["LANGUAGES"])


def render_pool(spec: PoolSpec, venv: str, certificates: str) -> PoolSetup:
    """The files of a gateway's setup.

    `venv` is the name of its virtual environment, `certificates` changes with those that HAProxy
    reads.
    """
    template = (TEMPLATES / "haproxy.cfg.j2").read_text()
    balancer_revision = fingerprint(haproxy_config(spec.pool, template) + certificates)
    config = haproxy_config(spec.pool, template, balancer_revision)
    settings = spec.settings
    values = {
        "settings": settings,
        "directory": spec.pool.directory,
        "tls": "../../tls",
        "address": settings.pool_listen,
        "proxy_memory": proxy_memory(),
    }
    units = {name: _render(name, **values) for name in POOL_UNITS}
    environment, proxy_revision = _environment(
        "pool.env", f"{units[POOL_UNIT]}{spec.proxy}{venv}", values
    )
    files = {f"units/{name}": text for name, text in units.items()}
    files |= {"haproxy.cfg": config, "pool.env": environment}
    name = fingerprint("\0".join((*files.values(), spec.proxy, venv)))
    return PoolSetup(
        f"setup-{name}", settings.pool_listen, balancer_revision, proxy_revision, files
    )


def render_upgrade(calendar: str, project: str, venv: str) -> dict[str, str]:
    """The units of a machine that upgrades itself; project and venv are names below upgrade/."""
    values = {"calendar": calendar, "project": project, "venv": venv}
    return {name: _render(name, **values) for name in (UPGRADE_UNIT, UPGRADE_TIMER)}


def _memory(spec: GenerationSpec) -> int:
    gpu = spec.build.gpu
    return least_memory(gpu, spec.model.size, spec.build.backend) if gpu else 0


def _environment(name: str, depends_on: str, values: dict[str, Any]) -> tuple[str, str]:
    """An environment file, and its revision: a name for it and all that the service depends on."""
    revision = fingerprint(_render(name, **values, revision="") + depends_on)
    return _render(name, **values, revision=revision), revision


@cache
def _loader() -> Environment:
    loader = FileSystemLoader(TEMPLATES)
    return Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)


def _render(name: str, **values: Any) -> str:
    return _loader().get_template(f"{name}.j2").render(**values)
