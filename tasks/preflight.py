"""Stage 1: refuse what cannot work, before anything is changed."""

import sys

from pyinfra import logger

from core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from core.machine import BUILD_SPACE, check_platform, check_space, check_user
from core.refusal import Refusal
from core.release import skipped
from facts.files import Exists, LinkTarget
from facts.machine import FreeSpace, SudoNeedsPassword, UserName
from facts.ports import Listeners
from facts.user_unit import Socket
from operations.connection import is_lost
from tasks.target import Target, stage


@stage("Preflight")
def check(target: Target) -> None:
    """Refuse a host or settings that cannot work; say what will be built otherwise."""
    settings, identity = target.settings, target.identity
    check_platform(identity["os_release"], identity["architecture"], identity["init"])
    check_user(identity["user"])
    check_sudo(target)
    if is_lost(target.host):
        return
    _check_port(target, "whisper_port", settings.whisper_port)
    _check_port(target, "proxy_port", settings.proxy_port)
    _check_key(target)
    _check_disk(target)
    target.host.log(_summary(target))
    for line in _defects(target):
        target.host.log_styled(line, fg="yellow", log_func=logger.warning)


def check_sudo(target: Target) -> None:
    """Refuse where sudo asks for a password and nobody is there to give it."""
    asks = target.host.get_fact(SudoNeedsPassword)
    if asks and not target.host.data.get("_sudo_password") and not sys.stdin.isatty():
        raise Refusal(
            "sudo: asks for a password, and there is no terminal to ask in; "
            "set the environment variable PYINFRA_SUDO_PASSWORD"
        )
    target.host.get_fact(UserName, _sudo=True)


def _check_port(target: Target, name: str, port: int) -> None:
    listeners: list[str] = target.host.get_fact(Listeners, port=port, _sudo=True)
    strangers = [listener for listener in listeners if not _is_ours(target, listener, port)]
    if strangers:
        raise Refusal(
            f"{name}: {port} is taken by {' and '.join(strangers)}; end that, or give a free port "
            f"with --data {name}=PORT"
        )


def _is_ours(target: Target, listener: str, port: int) -> bool:
    if listener == "systemd in init.scope":
        return target.host.get_fact(Socket, unit=PROXY_SOCKET).listen.endswith(f":{port}")
    return listener.endswith((f" in {SERVER_UNIT}", f" in {PROXY_UNIT}"))


def _check_key(target: Target) -> None:
    path = target.settings.proxy_api_key_file
    if path and not target.host.get_fact(Exists, path=path):
        raise Refusal(
            f"proxy_api_key_file: got {path!r}, which is not on the host; write the key into it, "
            "readable for the user alone"
        )


def _check_disk(target: Target) -> None:
    services = target.layout.services
    free = target.host.get_fact(FreeSpace, path=services)
    check_space(services, free, _needed(target))


def _needed(target: Target) -> int:
    """Bytes that the run will write: a model and a build, where they are not there yet."""
    host, model = target.host, target.settings.model
    live = host.get_fact(LinkTarget, path=target.layout.build) or ""
    space = 0
    if not live.startswith(f"build-{target.release.label}-"):
        space += BUILD_SPACE[target.backend]
    if not host.get_fact(Exists, path=target.model_path):
        space += model.size or 0
    return space


def _summary(target: Target) -> str:
    what = f"whisper.cpp {target.release.label} with {target.settings.model.name}"
    gpu = target.gpu
    if target.backend == "cpu" or gpu is None:
        return f"{what} for the CPU: {_why_cpu(target)}"
    targets = ", ".join(target.gpu_targets)
    if gpu.override:
        targets += f", whose code {gpu.gfx} runs (HSA_OVERRIDE_GFX_VERSION={gpu.override})"
    return f"{what} for {gpu.label}, built for {targets}"


def _defects(target: Target) -> list[str]:
    """What is known against the release, or against newer ones that it was taken before."""
    defects, release = target.settings.whisper_known_defects, target.release
    if release.label in defects:
        return [f"{release.label} has a known defect: it {defects[release.label]}"]
    if target.settings.whisper_version != "latest":
        return []
    passed_over = skipped(release, target.refs, defects)
    return [f"{tag} is newer, and skipped: it {defects[tag]}" for tag in passed_over]


def _why_cpu(target: Target) -> str:
    if target.gpu is None:
        return "no AMD GPU found"
    if target.settings.whisper_backend == "cpu":
        return "as whisper_backend says"
    return (
        f"{target.gpu.label} is a part of the processor; whisper_backend=hip uses it all the same"
    )
