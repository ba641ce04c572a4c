"""Check the health of each host, and say what fixes it; nothing is changed.

    pyinfra inventory.py tasks/doctor.py

Ends with an error where a check failed.
"""

import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

if not __package__:  # pyinfra runs this file, and imports from the working directory alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from voicemode_whisper.core import generations as core_generations
from voicemode_whisper.core import serving
from voicemode_whisper.core.acceptance import recorded_speeds
from voicemode_whisper.core.build import BACKEND_PACKAGES
from voicemode_whisper.core.device_access import DeviceAccess
from voicemode_whisper.core.diagnosis import Finding, check_access
from voicemode_whisper.core.env_file import EnvFile
from voicemode_whisper.core.environment import Setting
from voicemode_whisper.core.generations import Generation
from voicemode_whisper.core.health import (
    endpoints,
    installation,
    power,
    report,
    services,
    speech,
    voicemode,
)
from voicemode_whisper.core.health import gpu as gpu_rows
from voicemode_whisper.core.health import proxy as proxy_rows
from voicemode_whisper.core.health.report import (
    CheckResult,
    ExpectedState,
    caused_by,
    expected_backend,
)
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, UNITS
from voicemode_whisper.core.listeners import Listener
from voicemode_whisper.core.placement import account, device_mismatch
from voicemode_whisper.core.places import LateMount
from voicemode_whisper.core.power import Power, draws_more
from voicemode_whisper.core.services import ServiceState, UnitState, is_idle
from voicemode_whisper.core.speech import is_spoken
from voicemode_whisper.core.speed import fastest
from voicemode_whisper.core.user_manager import UserManager
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.facts.device_access import UnitDeviceAccess
from voicemode_whisper.facts.env_file import EnvironmentSettings, VoiceModeEnv
from voicemode_whisper.facts.files import Exists
from voicemode_whisper.facts.generations import Generations
from voicemode_whisper.facts.http import Answer, HttpGet
from voicemode_whisper.facts.kfd import Memory
from voicemode_whisper.facts.pacman import MissingPackages
from voicemode_whisper.facts.places import Places
from voicemode_whisper.facts.ports import Listeners
from voicemode_whisper.facts.power import GpuPower
from voicemode_whisper.facts.serving import ProxySelfCheck, Serving
from voicemode_whisper.facts.speech import Transcript, Transcription
from voicemode_whisper.facts.toolchain import Toolchain
from voicemode_whisper.facts.user_manager import UserManagerState
from voicemode_whisper.facts.user_unit import LastWords, Services, StartLog
from voicemode_whisper.facts.venv import Venv
from voicemode_whisper.host import Host
from voicemode_whisper.operations.util.connection import fail, is_lost
from voicemode_whisper.operations.util.diagnosis import why_not_in_service
from voicemode_whisper.operations.util.model_sum import take_sum
from voicemode_whisper.preconditions import check_host
from voicemode_whisper.stage import stage

# Seconds after which a card that has worked is idle again.
SETTLING = 5


@stage("Doctor")
def examine(host: Host) -> None:
    """Print a table of the checks; fail the host where one of them failed."""
    check_host(host)
    if is_lost(host.pyinfra):
        return
    manifest: dict[str, Any] | None = host.fact(Manifest, path=host.layout.build)
    generations = host.fact(Generations, layout=host.layout)
    expected = _expected(host, manifest, generations)
    ports = _ports(host)
    taken = {one.name for one in ports if one.fix}
    proxy = _state(host, generations).units[PROXY_UNIT]
    found = host.fact(Serving, layout=host.layout)
    if found.busy:
        host.warn(f"a run of the deploy is at work here ({found.busy}): what is red may pass")
    python = _python(host, proxy)
    parts = _proxy(host, proxy, generations.serving, found, python)
    machine = _machine(host, expected, manifest, generations.serving, found)
    # After what takes long: it may be idle again soon.
    state, woken = _awake(host, generations, taken)
    server = state.units[SERVER_UNIT]
    results = [
        installation.generation(generations),
        *machine,
        python,
        *_services(host, state, generations, found, python),
        *woken,
        *ports,
        *_gpu(host, expected, server, generations.serving.device if generations.serving else ""),
        *parts,
        *_use(host, expected, manifest, server, proxy, parts, taken),
    ]
    for line, colour in report.table(results):
        host.pyinfra.log_styled(line, fg=colour or None)
    verdict = report.verdict(results)
    if verdict:
        fail(host.pyinfra, verdict)
    else:
        host.pyinfra.log_styled("all checks passed", fg="green")


def _expected(
    host: Host, manifest: dict[str, Any] | None, generations: core_generations.Generations
) -> ExpectedState:
    settings = host.settings
    backend = expected_backend(settings.whisper_backend, host.gpu, manifest)
    idle_watts = generations.idle_watts(host.gpu)
    return ExpectedState(backend, host.gpu, settings.model, idle_watts, bool(settings.idle_stop))


def _state(host: Host, generations: core_generations.Generations) -> ServiceState:
    """The services beside the generation that serves; a unit that is not there does nothing."""
    state: ServiceState = host.fact(Services, layout=host.layout, number=generations.current or 0)
    return replace(state, units={unit: state.units.get(unit, UnitState()) for unit in UNITS})


def _awake(
    host: Host, generations: core_generations.Generations, taken: Collection[str]
) -> tuple[ServiceState, list[CheckResult]]:
    """The services, after a request has started whisper-server if it was idle, and what came of it.

    Nobody else is asked at ports that are `taken`.
    """
    state = _state(host, generations)
    if not is_idle(state) or "proxy_port" in taken:
        return state, []
    heard = _transcript(host, host.layout.sample, "")
    row = endpoints.woken(heard.text, _health(host, host.settings.proxy_url).body)
    return _state(host, generations), [row]


def _ports(host: Host) -> list[CheckResult]:
    """Who listens where the services should."""
    addresses, uid = host.settings.addresses, host.identity["uid"]
    ports = tuple(port for _, port in addresses.values())
    listeners: tuple[Listener, ...] = host.fact(Listeners, ports=ports, _sudo=True)
    return [endpoints.port(name, at, listeners, uid) for name, at in addresses.items()]


def _machine(
    host: Host,
    expected: ExpectedState,
    manifest: dict[str, Any] | None,
    serves: Generation | None,
    found: serving.Serving,
) -> list[CheckResult]:
    """The GPU, the tools, the build and the model."""
    layout = host.layout
    wanted = host.packages_of(expected.backend)
    missing: list[str] = host.fact(MissingPackages, packages=wanted)
    kept = BACKEND_PACKAGES[expected.backend]
    tools: tuple[str, ...] = host.fact(Toolchain, packages=kept).versions
    built: bool = host.fact(Exists, path=f"{layout.build}/bin/whisper-server")
    build = installation.build(expected, built, manifest, tools)
    if serves and found.changed_build:
        build = installation.changed_build(_part(host, serves, "build"), found.changed_build)
    return [
        gpu_rows.gpu(expected),
        *gpu_rows.backend(expected, serves, host.backends if host.gpu else ()),
        installation.packages(expected, missing, tools),
        build,
        _model(host, expected, serves),
    ]


def _part(host: Host, serves: Generation, name: str) -> str:
    return f"{host.layout.services}/{serves.manifest['parts'][name]}"


def _model(host: Host, expected: ExpectedState, serves: Generation | None) -> CheckResult:
    file, path = host.model_files.get(host.model_file), host.model_path
    taken = take_sum(host.pyinfra, path) if file and host.settings.doctor == "full" else ""
    served = (serves.manifest.get("model") or {}).get("name", "") if serves else ""
    return installation.model(expected, path, file, taken, served)


def _python(host: Host, proxy: UnitState) -> CheckResult:
    venv = host.fact(Venv, path=f"{host.layout.current}/venv")
    return proxy_rows.python(venv, proxy)


def _services(
    host: Host,
    state: ServiceState,
    generations: core_generations.Generations,
    found: serving.Serving,
    python: CheckResult,
) -> list[CheckResult]:
    """The units, now and after a boot, and the manager that runs them.

    `python` is what was found of the proxy's Python.
    """
    user, uid = host.identity["user"], host.identity["uid"]
    manager: UserManager = host.fact(UserManagerState, layout=host.layout)
    # Packages are asked for elsewhere.
    late: tuple[LateMount, ...] = host.fact(Places, home=host.layout.home, packages=()).late
    names = {"server unit": SERVER_UNIT, "proxy socket": PROXY_SOCKET, "proxy unit": PROXY_UNIT}
    server, socket, proxy = (
        services.service(name, unit, state, manager.overrides, late) for name, unit in names.items()
    )
    return [
        services.manager(manager, uid),
        *(server, socket, caused_by(python, proxy)),
        services.linger(manager.runs_without_login, user, late),
        services.next_boot(found, generations, state, manager.runs_without_login, user, bool(late)),
    ]


def _gpu(host: Host, expected: ExpectedState, server: UnitState, device: str) -> list[CheckResult]:
    """What the services may use, and what whisper-server uses; `device` is the GPU in Vulkan."""
    user = host.identity["user"]
    if expected.backend == "cpu":
        return [_device(host, expected, server, None, "")] if server.pid else []
    access: DeviceAccess = host.fact(UnitDeviceAccess, user=user, unit=SERVER_UNIT, pid=server.pid)
    finding = check_access(access, user, expected.backend)
    # One that keeps dying has no process, but its last words.
    ran = server.active != "inactive"
    tried = bool(access.process_groups)
    results = [gpu_rows.access(finding, tried, expected.backend)]
    return results + ([_device(host, expected, server, finding, device)] if ran else [])


def _device(
    host: Host, expected: ExpectedState, server: UnitState, finding: Finding | None, device: str
) -> CheckResult:
    log = _log(host, server)
    if expected.backend == "cpu":
        other = device_mismatch(log, "cpu", None, None, None)
        return gpu_rows.device(other, None, "the CPU, as asked for")
    backend, gpu = expected.backend, expected.gpu
    where = account(backend, gpu, host.settings.gpu_kfd)
    memory: int | None = host.fact(Memory, account=where, pid=server.pid)
    other = device_mismatch(log, backend, gpu, memory, expected.model.size, device)
    if not server.pid:
        other = f"none, as {SERVER_UNIT} does not stay up"
    cause = finding
    if other and gpu:
        cause = why_not_in_service(log, backend, gpu, host.layout, server)
    return gpu_rows.device(other, cause, gpu_rows.in_use(expected, log, memory), finding)


def _log(host: Host, server: UnitState) -> list[str]:
    """What whisper-server says; of one that does not stay up, its last words."""
    if server.pid:
        log: list[str] = host.fact(StartLog, invocation=server.invocation, _sudo=True)
        return log
    last: list[str] = host.fact(
        LastWords, program="whisper-server", user=host.identity["user"], _sudo=True
    )
    return last


def _proxy(
    host: Host,
    proxy: UnitState,
    serves: Generation | None,
    found: serving.Serving,
    python: CheckResult,
) -> list[CheckResult]:
    """What the proxy needs: its code, ffmpeg, room for uploads; nothing where it does not run.

    `python` is what was found of its Python.
    """
    # What was set up by hand is not ours to judge.
    if proxy.active != "active" or serves is None or serves.adopted:
        return []
    report = host.fact(ProxySelfCheck, layout=host.layout)
    if report is None:
        return []
    code, venv = (_part(host, serves, name) for name in ("proxy", "venv"))
    row = proxy_rows.proxy_code(report, found.changed_proxy, code, venv)
    rows = [caused_by(python, row)]
    if not report.error:
        rows += [proxy_rows.decoding(report), proxy_rows.uploads(report)]
    return rows


def _use(
    host: Host,
    expected: ExpectedState,
    manifest: dict[str, Any] | None,
    server: UnitState,
    proxy: UnitState,
    parts: list[CheckResult],
    taken: Collection[str],
) -> list[CheckResult]:
    """What clients find, and how fast it is; nobody else is asked at ports that are `taken`.

    `parts` are what was found of the proxy's own.
    """
    url = host.settings.proxy_url
    results, ahead = [], 0
    if server.active == "active" and "whisper_port" not in taken:
        here = f"http://127.0.0.1:{host.settings.whisper_port}"
        results.append(_endpoint("whisper-server", here, _health(host, here), SERVER_UNIT))
    # Whoever asks at its socket starts the proxy.
    if proxy.active == "active" and "proxy_port" not in taken:
        answer = _health(host, url)
        ahead = endpoints.requests_ahead(answer.body)
        results.append(_endpoint("proxy", url, answer, PROXY_UNIT))
    power = _power(host, expected, server, ahead)
    # Without whisper-server the proxy has who asks wait.
    if len(results) == 2 and not results[0].fix:
        explained = any(part.fix for part in parts)
        results += _speech(host, manifest, expected, ahead, explained)
    return [
        *results,
        *power,
        *speech.speed(expected, manifest),
        *_voicemode(host),
    ]


def _power(host: Host, expected: ExpectedState, server: UnitState, ahead: int) -> list[CheckResult]:
    """What the card draws, before the doctor has anything transcribed."""
    if expected.backend == "cpu":
        return []
    device, serves = host.gpu_device, bool(server.pid)
    now: Power = host.fact(GpuPower, device=device)
    if serves and not ahead and draws_more(now.watts, expected.idle_watts):
        # It may be on its way down from the last request.
        now = host.fact(GpuPower, device=device, pause=SETTLING)
    return [power.power(expected, now, serves, ahead)]


def _voicemode(host: Host) -> list[CheckResult]:
    """Where VoiceMode sends speech."""
    url, user = f"{host.settings.proxy_url}/v1", host.identity["user"]
    file: EnvFile = host.fact(VoiceModeEnv, layout=host.layout)
    environment: list[Setting] = host.fact(EnvironmentSettings)
    return [
        voicemode.voicemode(url, file, user, environment),
        voicemode.voicemode_listen(url, environment),
    ]


def _health(host: Host, url: str) -> Answer:
    answer: Answer = host.fact(HttpGet, url=f"{url}/health")
    return answer


def _endpoint(name: str, url: str, answer: Answer, unit: str) -> CheckResult:
    return endpoints.endpoint(name, url, answer.status, answer.body, unit)


def _speech(
    host: Host,
    manifest: dict[str, Any] | None,
    expected: ExpectedState,
    ahead: int,
    explained: bool,
) -> list[CheckResult]:
    """What comes of speech, as MP3 where that works: so ffmpeg is asked as clients ask it.

    `explained` is whether it is told already why it may not.
    """
    url = host.settings.proxy_url
    device = "" if expected.backend == "cpu" else host.gpu_device
    heard = _transcript(host, host.layout.compressed_sample, device)
    rows = []
    if not is_spoken(heard.text):
        refusal, heard = heard.text, _transcript(host, host.layout.sample, device)
        if not explained:
            rows = speech.not_decoded(url, refusal, is_spoken(heard.text))
    best = fastest(recorded_speeds(manifest or {}, expected.model))
    row = speech.speech(url, heard.text, heard.seconds, best, ahead)
    return [*rows, row, *power.load(expected, heard.load)]


def _transcript(host: Host, sample: str, device: str) -> Transcription:
    settings = host.settings
    transcription: Transcription = host.fact(
        Transcript,
        url=settings.proxy_url,
        sample=sample,
        api_key_file=settings.proxy_api_key_file,
        device=device,
    )
    return transcription


if not __package__:
    examine()
