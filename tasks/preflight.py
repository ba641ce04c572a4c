"""Stage 1: refuse what cannot work, before anything is changed."""

import ipaddress
from collections.abc import Mapping

from voicemode_whisper import quiet_run
from voicemode_whisper.core.certificate import Certificate as FoundCertificate
from voicemode_whisper.core.certificate import own_problem
from voicemode_whisper.core.device_access import GPU_GROUPS
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.gateway import check_members, describe_pool
from voicemode_whisper.core.gpu import reason
from voicemode_whisper.core.key_file import key_problem
from voicemode_whisper.core.listeners import Listener, check_ports
from voicemode_whisper.core.places import (
    Step,
    check_rights,
    check_room,
    describe_late,
    describe_packages,
    steps,
)
from voicemode_whisper.core.pool import check_pool
from voicemode_whisper.core.release import moved, skipped
from voicemode_whisper.core.settings import split_listen
from voicemode_whisper.core.upgrades import calendar_problem, missing_packages
from voicemode_whisper.core.user_manager import UserManager, check_manager, find_override
from voicemode_whisper.core.voicemode_env import STT, is_pointed
from voicemode_whisper.facts.certificate import Certificate
from voicemode_whisper.facts.env_file import VoiceModeEnv
from voicemode_whisper.facts.files import KeyFile
from voicemode_whisper.facts.machine import Groups, Lingering
from voicemode_whisper.facts.pool import Addresses
from voicemode_whisper.facts.ports import Listeners
from voicemode_whisper.facts.upgrades import CalendarProblem
from voicemode_whisper.facts.user_manager import UserManagerState
from voicemode_whisper.host import Host
from voicemode_whisper.operations import looking, run_lock
from voicemode_whisper.operations.util.connection import is_lost
from voicemode_whisper.preconditions import check_host
from voicemode_whisper.stage import stage

NOT_IN_POOL = "but the machines of a pool are upgraded one after another; leave that to deploy.py"
NO_MEMBER = "but this gateway transcribes nothing itself; set it for a member of the pool"


@stage("Preflight")
def check(host: Host) -> None:
    """Refuse a host or settings that cannot work; say what will be built otherwise."""
    # Before the host is asked: what is wrong with these is wrong on every host.
    addresses = host.addresses
    host.gather(quiet_run.at_first(host))
    check_host(host)
    if is_lost(host.pyinfra):
        return
    host.gather(quiet_run.in_preflight(host))
    check_rights(host.places, host.identity["user"])
    _check_manager(host)
    _check_ports(host, addresses)
    _check_key(host)
    _check_certificate(host)
    if host.serves():
        _check_voicemode(host)
    elif host.settings.wyoming:
        raise UserError(f"wyoming: got {host.settings.wyoming!r}, {NO_MEMBER}")
    if host.is_gateway():
        _check_members(host)
    _check_upgrades(host)
    check_room(host.places, _steps(host))
    for line in _summary(host):
        host.pyinfra.log(line)
    for line in _warnings(host):
        host.warn(line)
    run_lock.hold(name="Lock the host", layout=host.layout)
    looking.ahead(
        name="Look at the host",
        as_root=quiet_run.as_root(host),
        as_user=quiet_run.as_user(host),
    )


def _steps(host: Host) -> list[Step]:
    """What the run will write."""
    return steps(host.places, host.unbuilt, _model(host)) if host.serves() else steps(host.places)


def _summary(host: Host) -> list[str]:
    """What will be done."""
    taken = describe_packages(host.places)
    return [
        *([_what_serves(host)] if host.serves() else []),
        *([describe_pool(host.pool_members)] if host.is_gateway() else []),
        *([taken] if taken else []),
    ]


def _warnings(host: Host) -> list[str]:
    """What the operator should not miss."""
    late = host.places.late
    return [
        *([*_moved(host), *_defects(host)] if host.serves() else []),
        *([describe_late(late)] if late else []),
        *_keyless(host),
        *([] if host.is_attended() else _left(host)),
    ]


def _left(host: Host) -> list[str]:
    """What would be changed by root, where nobody may become root."""
    user, uid = host.identity["user"], host.identity["uid"]
    joined = host.fact(Groups, user=user)
    groups = [name for name in GPU_GROUPS if host.serves() and name not in joined]
    left = [f"{user} is not in the group {name}" for name in groups]
    if not host.fact(Lingering, user=user, uid=uid) and not host.places.late:
        left.append("the services do not run without a login")
    return [f"access: {what}; an unattended run leaves that to deploy.py" for what in left]


def _keyless(host: Host) -> list[str]:
    """That Wyoming knows no keys, where others than the host itself may ask."""
    settings = host.settings
    if not settings.wyoming or not settings.proxy_api_key_file:
        return []
    address, _ = split_listen(settings.wyoming)
    if ipaddress.ip_address(address).is_loopback:
        return []
    return [f"wyoming: who reaches {settings.wyoming} needs no key; let a firewall say who does"]


def _check_manager(host: Host) -> None:
    manager: UserManager = host.fact(UserManagerState, layout=host.layout)
    check_manager(manager, host.identity["user"], host.identity["uid"])
    override = find_override(manager.overrides)
    if override:
        raise UserError(f"systemd: {override}")


def _check_ports(host: Host, addresses: Mapping[str, tuple[str, int]]) -> None:
    ports = tuple(port for _, port in addresses.values())
    listeners: tuple[Listener, ...] = host.fact(Listeners, ports=ports, _sudo=True)
    check_ports(listeners, addresses, host.identity["uid"])


def _check_members(host: Host) -> None:
    """Refuse a pool without members, and members that the gateway cannot find."""
    members = host.pool_members
    check_pool(host.pool)
    names = [one.address for one in members]
    found: dict[str, str] = host.fact(Addresses, names=names)
    check_members(members, found)


def _check_upgrades(host: Host) -> None:
    """Refuse a time that systemd does not know, and what a machine cannot do by itself."""
    given = host.settings.upgrade_timer
    if given and host.is_of_pool():
        raise UserError(f"upgrade_timer: got {given!r}, {NOT_IN_POOL}")
    if given and not host.is_own_run():
        problem = calendar_problem(given, host.fact(CalendarProblem, calendar=given))
        if problem:
            raise UserError(problem)
    if host.places.missing and not host.is_attended():
        raise UserError(missing_packages(host.places.missing))


def _check_key(host: Host) -> None:
    path = host.settings.proxy_api_key_file
    if path:
        problem = key_problem(host.fact(KeyFile, path=path), path, host.identity["user"])
        if problem:
            raise UserError(f"proxy_api_key_file: got {path!r}, {problem}")


def _check_certificate(host: Host) -> None:
    """Refuse a certificate of the operator's own that cannot serve."""
    files = host.settings.own_certificate
    if files:
        certificate, key = files
        found: FoundCertificate = host.fact(Certificate, certificate=certificate, key=key)
        problem = own_problem(found)
        if problem:
            raise UserError(f"proxy_tls: got {host.settings.proxy_tls!r}, {problem}")


def _check_voicemode(host: Host) -> None:
    url = f"{host.settings.proxy_url}/v1"
    file = host.fact(VoiceModeEnv, layout=host.layout)
    user = host.identity["user"]
    problem = file.unreadable(user)
    if not problem and not is_pointed(file.text or "", url):
        problem = file.unwritable(user, f"{STT}={url}")
    if problem:
        raise UserError(problem)


def _model(host: Host) -> int:
    """Bytes of the model, where it is not there yet and its size is known."""
    return 0 if host.model_file in host.model_files else host.settings.model.size or 0


def _what_serves(host: Host) -> str:
    what = f"whisper.cpp {host.release.label} with {host.settings.model.name}"
    why = reason(host.backend, host.settings.whisper_backend, host.gpu)
    because = f": {why}" if why else ""
    if host.gpu is None or host.backend == "cpu":
        return f"{what} for the CPU{because}"
    if host.by_speed and len(host.backends) > 1:
        return f"{what} for {host.gpu.label}, with HIP or Vulkan, whichever is faster"
    if host.backend == "vulkan":
        return f"{what} for {host.gpu.label}, with Vulkan{because}"
    if _is_refused(host, "hip"):
        return f"{what} for {host.gpu.label}, with Vulkan, as HIP was refused"
    targets = ", ".join(host.build_spec("hip").gpu_targets)
    if host.gpu.override:
        known = f"HSA_OVERRIDE_GFX_VERSION={host.gpu.override}"
        targets += f", whose code {host.gpu.gfx} runs ({known})"
    return f"{what} for {host.gpu.label}, built for {targets}"


def _is_refused(host: Host, backend: str) -> bool:
    """Whether a build of this release for this backend was refused, and something else serves."""
    serving = host.generations.serving
    if serving is None or host.settings.retry:
        return False
    same = serving.manifest.get("release", {}).get("label") == host.release.label
    return same and any(
        other.refused and other.backend == backend for other in serving.alternatives
    )


def _moved(host: Host) -> list[str]:
    """That a release's tag is not the commit that it was."""
    before = host.moved_from
    return [moved(host.release_upstream, before, host.settings.retry)] if before else []


def _defects(host: Host) -> list[str]:
    """What is known against the release, or against newer ones that it was taken before."""
    defects, release = host.settings.whisper_known_defects, host.release
    if release.label in defects:
        return [f"{release.label} has a known defect: it {defects[release.label]}"]
    if host.settings.whisper_version != "latest":
        return []
    passed_over = skipped(release, host.refs, defects)
    return [f"{tag} is newer, and skipped: it {defects[tag]}" for tag in passed_over]
