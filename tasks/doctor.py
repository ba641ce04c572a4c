"""Say how each host is, and what mends what is not well; nothing is changed.

    pyinfra inventory.py tasks/doctor.py

Ends with an error where something is not well.
"""

from core import doctor
from core.backend_log import usage
from core.build import ROCM_PACKAGES, packages
from core.diagnosis import obstacle
from core.doctor import Row, Wish
from core.gate import recorded_speeds
from core.gpu import choose_backend, choose_targets, elsewhere, memory_elsewhere
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
from facts.user_unit import Socket, StartLog, Unit, UnitState
from operations.gpu import why_not_in_service
from tasks.target import Target, fail, stage
from tasks.voicemode import KEY


@stage("Doctor")
def examine(target: Target) -> None:
    """Print a table of the host; fail it where something is not well."""
    identity = target.identity
    check_platform(identity["os_release"], identity["architecture"], identity["init"])
    check_user(identity["user"])
    rows = [*_machine(target), *_services(target), *_use(target)]
    for line, ill in doctor.table(rows):
        target.host.log_styled(line, fg="red" if ill else None)
    verdict = doctor.verdict(rows)
    if verdict:
        fail(target.host, verdict)
    else:
        target.host.log_styled("all is well", fg="green")


def _wish(target: Target) -> Wish:
    settings = target.settings
    # What is not there is a row of the table, and no refusal.
    wants_hip = settings.whisper_backend == "hip"
    backend = "hip" if wants_hip else choose_backend(settings.whisper_backend, target.gpu)
    targets = choose_targets(settings.gpu_targets, target.gpu) if backend == "hip" else ()
    return Wish(backend, target.gpu, targets, settings.model)


def _machine(target: Target) -> list[Row]:
    """The GPU, the tools, the build and the model."""
    host, layout, wish = target.host, target.layout, _wish(target)
    missing: list[str] = host.get_fact(MissingPackages, packages=packages(wish.backend))
    tools = _tools(target)
    manifest = host.get_fact(Manifest, path=layout.build)
    built: bool = host.get_fact(Exists, path=f"{layout.build}/bin/whisper-server")
    model: Checksum | None = host.get_fact(KnownChecksum, path=target.model_path)
    return [
        doctor.gpu(wish),
        doctor.rocm(wish, missing, tools),
        doctor.build(wish, built, manifest, tools),
        doctor.model(wish, model.sha256 if model else None),
    ]


def _tools(target: Target) -> list[str]:
    kept = ROCM_PACKAGES if _wish(target).backend == "hip" else ()
    tools: list[str] = target.host.get_fact(Toolchain, packages=kept)
    return tools


def _services(target: Target) -> list[Row]:
    """The units, what they may use, and what whisper-server does use."""
    host, user = target.host, target.identity["user"]
    server: UnitState = host.get_fact(Unit, unit=SERVER_UNIT)
    proxy: UnitState = host.get_fact(Unit, unit=PROXY_UNIT)
    socket = host.get_fact(Socket, unit=PROXY_SOCKET)
    rows = [
        doctor.service("server unit", SERVER_UNIT, server.active, server.enabled),
        doctor.service("proxy socket", PROXY_SOCKET, socket.active, socket.enabled),
        doctor.service("proxy unit", PROXY_UNIT, proxy.active, proxy.enabled),
        doctor.linger(host.get_fact(Lingering, user=user), user),
    ]
    return rows + (_device(target, server) if server.pid else [])


def _device(target: Target, server: UnitState) -> list[Row]:
    host, wish, settings = target.host, _wish(target), target.settings
    log: list[str] = host.get_fact(StartLog, invocation=server.invocation, _sudo=True)
    used = usage(log)
    other = elsewhere(used, wish.backend, wish.gpu)
    if wish.backend == "cpu" or wish.gpu is None:
        return [doctor.device(other, None, "the CPU, as asked for")]
    user = target.identity["user"]
    reach: Reach = host.get_fact(FromUnit, user=user, unit=SERVER_UNIT, pid=server.pid)
    memory: int | None = host.get_fact(Memory, kfd=settings.gpu_kfd, pid=server.pid)
    other = other or memory_elsewhere(wish.gpu, memory, wish.model.size)
    cause = why_not_in_service(log, wish.gpu, target.layout, server) if other else None
    taken = f", {memory >> 20} MiB of its memory" if memory else ""
    found = f"{used.device} ({used.gfx}){taken}"
    return [doctor.access(obstacle(reach, user)), doctor.device(other, cause, found)]


def _use(target: Target) -> list[Row]:
    """What clients find, and how fast it is."""
    host, settings, layout = target.host, target.settings, target.layout
    server = f"http://127.0.0.1:{settings.whisper_port}"
    manifest = host.get_fact(Manifest, path=layout.build)
    heard: Heard = host.get_fact(
        Transcript,
        url=settings.proxy_url,
        sample=layout.sample,
        api_key_file=settings.proxy_api_key_file,
    )
    best = fastest(recorded_speeds(manifest or {}, settings.model))
    variables: list[tuple[str, str]] = host.get_fact(Values, path=layout.voicemode_env, key=KEY)
    return [
        _endpoint(target, "whisper-server", server, SERVER_UNIT),
        _endpoint(target, "proxy", settings.proxy_url, PROXY_UNIT),
        doctor.speech(settings.proxy_url, heard.text, heard.seconds, best),
        *doctor.speed(_wish(target), manifest),
        doctor.voicemode(f"{settings.proxy_url}/v1", variables),
    ]


def _endpoint(target: Target, name: str, url: str, unit: str) -> Row:
    answer: Answer = target.host.get_fact(Get, url=f"{url}/health")
    return doctor.endpoint(name, url, answer.status, answer.body, unit)


examine()
