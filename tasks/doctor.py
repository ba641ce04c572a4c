"""Say how each host is, and what mends what is not well; nothing is changed.

    pyinfra inventory.py tasks/doctor.py

Ends with an error where something is not well.
"""

from typing import Any

from core import doctor
from core.build import ROCM_PACKAGES, packages
from core.diagnosis import Cause, obstacle
from core.doctor import Row, Wish, wished_backend
from core.gate import recorded_speeds
from core.gpu import misplaced
from core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from core.machine import check_platform, check_user
from core.reach import Reach
from core.speed import fastest
from facts.build import Manifest
from facts.endpoint import Answer, Get
from facts.env_file import Values
from facts.files import Checksum, Exists, KnownChecksum
from facts.kfd import Memory
from facts.machine import Lingering
from facts.pacman import MissingPackages
from facts.reach import FromUnit
from facts.speech import Heard, Transcript
from facts.toolchain import Toolchain
from facts.user_unit import LastWords, Socket, StartLog, Unit, UnitState
from operations.connection import is_lost
from operations.gpu import why_not_in_service
from tasks.preflight import check_sudo
from tasks.target import Target, fail, stage
from tasks.voicemode import KEY


@stage("Doctor")
def examine(target: Target) -> None:
    """Print a table of the host; fail it where something is not well."""
    identity = target.identity
    check_platform(identity["os_release"], identity["architecture"], identity["init"])
    check_user(identity["user"])
    check_sudo(target)
    if is_lost(target.host):
        return
    manifest: dict[str, Any] | None = target.host.get_fact(Manifest, path=target.layout.build)
    wish = _wish(target, manifest)
    server, proxy = _unit(target, SERVER_UNIT), _unit(target, PROXY_UNIT)
    rows = [
        *_machine(target, wish, manifest),
        *_services(target, server, proxy),
        *_gpu(target, wish, server),
        *_use(target, wish, manifest, server, proxy),
    ]
    for line, ill in doctor.table(rows):
        target.host.log_styled(line, fg="red" if ill else None)
    verdict = doctor.verdict(rows)
    if verdict:
        fail(target.host, verdict)
    else:
        target.host.log_styled("all is well", fg="green")


def _wish(target: Target, manifest: dict[str, Any] | None) -> Wish:
    settings = target.settings
    backend = wished_backend(settings.whisper_backend, target.gpu, manifest)
    return Wish(backend, target.gpu, settings.model)


def _unit(target: Target, unit: str) -> UnitState:
    state: UnitState = target.host.get_fact(Unit, unit=unit)
    return state


def _machine(target: Target, wish: Wish, manifest: dict[str, Any] | None) -> list[Row]:
    """The GPU, the tools, the build and the model."""
    host, layout = target.host, target.layout
    missing: list[str] = host.get_fact(MissingPackages, packages=packages(wish.backend))
    kept = ROCM_PACKAGES if wish.backend == "hip" else ()
    tools: list[str] = host.get_fact(Toolchain, packages=kept)
    built: bool = host.get_fact(Exists, path=f"{layout.build}/bin/whisper-server")
    model: Checksum | None = host.get_fact(KnownChecksum, path=target.model_path)
    return [
        doctor.gpu(wish),
        doctor.rocm(wish, missing, tools),
        doctor.build(wish, built, manifest, tools),
        doctor.model(wish, model.sha256 if model else None),
    ]


def _services(target: Target, server: UnitState, proxy: UnitState) -> list[Row]:
    """The units."""
    host, user = target.host, target.identity["user"]
    socket = host.get_fact(Socket, unit=PROXY_SOCKET)
    return [
        doctor.service("server unit", SERVER_UNIT, server.active, server.enabled),
        doctor.service("proxy socket", PROXY_SOCKET, socket.active, socket.enabled),
        doctor.service("proxy unit", PROXY_UNIT, proxy.active, proxy.enabled),
        doctor.linger(host.get_fact(Lingering, user=user), user),
    ]


def _gpu(target: Target, wish: Wish, server: UnitState) -> list[Row]:
    """What the services may use, and what whisper-server does use."""
    host, user = target.host, target.identity["user"]
    if wish.backend == "cpu":
        return [_device(target, wish, server, None)] if server.pid else []
    reach: Reach = host.get_fact(FromUnit, user=user, unit=SERVER_UNIT, pid=server.pid)
    hurdle = obstacle(reach, user)
    # One that keeps dying has no process, but its last words.
    ran = server.active != "inactive"
    rows = [doctor.access(hurdle, tried=bool(reach.groups))]
    return rows + ([_device(target, wish, server, hurdle)] if ran else [])


def _device(target: Target, wish: Wish, server: UnitState, hurdle: Cause | None) -> Row:
    log = _log(target, server)
    if wish.backend == "cpu":
        other = misplaced(log, "cpu", None, None, None)
        return doctor.device(other, None, "the CPU, as asked for")
    memory: int | None = target.host.get_fact(Memory, kfd=target.settings.gpu_kfd, pid=server.pid)
    other = misplaced(log, "hip", wish.gpu, memory, wish.model.size)
    if not server.pid:
        other = f"none, as {SERVER_UNIT} does not stay up"
    cause = hurdle
    if other and wish.gpu:
        cause = why_not_in_service(log, wish.gpu, target.layout, server)
    return doctor.device(other, cause, doctor.in_use(wish, log, memory), hurdle)


def _log(target: Target, server: UnitState) -> list[str]:
    """What whisper-server says; of one that does not stay up, its last words."""
    host = target.host
    if server.pid:
        log: list[str] = host.get_fact(StartLog, invocation=server.invocation, _sudo=True)
        return log
    last: list[str] = host.get_fact(
        LastWords, program="whisper-server", user=target.identity["user"], _sudo=True
    )
    return last


def _use(
    target: Target,
    wish: Wish,
    manifest: dict[str, Any] | None,
    server: UnitState,
    proxy: UnitState,
) -> list[Row]:
    """What clients find, and how fast it is."""
    host, url = target.host, target.settings.proxy_url
    rows = []
    if server.active == "active":
        here = f"http://127.0.0.1:{target.settings.whisper_port}"
        rows.append(_endpoint(target, "whisper-server", here, SERVER_UNIT))
    # Whoever asks at its socket starts the proxy.
    if proxy.active == "active":
        rows.append(_endpoint(target, "proxy", url, PROXY_UNIT))
    # Without whisper-server the proxy has who asks wait.
    if len(rows) == 2 and not rows[0].fix:
        rows.append(_speech(target, manifest, wish))
    variables: list[tuple[str, str]] = host.get_fact(
        Values, path=target.layout.voicemode_env, key=KEY
    )
    return [*rows, *doctor.speed(wish, manifest), doctor.voicemode(KEY, f"{url}/v1", variables)]


def _endpoint(target: Target, name: str, url: str, unit: str) -> Row:
    answer: Answer = target.host.get_fact(Get, url=f"{url}/health")
    return doctor.endpoint(name, url, answer.status, answer.body, unit)


def _speech(target: Target, manifest: dict[str, Any] | None, wish: Wish) -> Row:
    settings = target.settings
    heard: Heard = target.host.get_fact(
        Transcript,
        url=settings.proxy_url,
        sample=target.layout.sample,
        api_key_file=settings.proxy_api_key_file,
    )
    best = fastest(recorded_speeds(manifest or {}, wish.model))
    return doctor.speech(settings.proxy_url, heard.text, heard.seconds, best)


examine()
