"""The GPU: which there is, whether the services may use it, and whether whisper-server does."""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.device_access import DeviceAccess
from voicemode_whisper.core.diagnosis import Finding, check_access
from voicemode_whisper.core.health import gpu
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.core.placement import account, device_mismatch
from voicemode_whisper.facts.device_access import UnitDeviceAccess
from voicemode_whisper.facts.kfd import Memory
from voicemode_whisper.facts.user_unit import LastWords, StartLog
from voicemode_whisper.operations.util.diagnosis import why_not_in_service


def card(exam: Examination) -> list[CheckResult]:
    """The GPU that is there, and through what it is used."""
    backends = exam.host.backends if exam.host.gpu else ()
    return [gpu.gpu(exam.expected), *gpu.backend(exam.expected, exam.serves, backends)]


def use(exam: Examination) -> list[CheckResult]:
    """What the services may use, and what whisper-server uses."""
    user, server, backend = exam.host.identity["user"], exam.server, exam.expected.backend
    if backend == "cpu":
        return [_device(exam, None)] if server.pid else []
    access: DeviceAccess = exam.host.fact(
        UnitDeviceAccess, user=user, unit=SERVER_UNIT, pid=server.pid
    )
    finding = check_access(access, user, backend)
    # One that keeps dying has no process, but its last words.
    ran = server.active != "inactive"
    tried = bool(access.process_groups)
    results = [gpu.access(finding, tried, backend)]
    return results + ([_device(exam, finding)] if ran else [])


def _device(exam: Examination, finding: Finding | None) -> CheckResult:
    """What whisper-server computes on; `finding` is that of its access."""
    host, expected, server = exam.host, exam.expected, exam.server
    log = _log(exam)
    if expected.backend == "cpu":
        other = device_mismatch(log, "cpu", None, None, None)
        return gpu.device(other, None, "the CPU, as asked for")
    where = account(expected.backend, expected.gpu, host.settings.gpu_kfd)
    memory: int | None = host.fact(Memory, account=where, pid=server.pid)
    in_vulkan = exam.serves.device if exam.serves else ""
    other = device_mismatch(
        log, expected.backend, expected.gpu, memory, expected.model.size, in_vulkan
    )
    if not server.pid:
        other = f"none, as {SERVER_UNIT} does not stay up"
    cause = finding
    if other and expected.gpu:
        cause = why_not_in_service(log, expected.backend, expected.gpu, host.layout, server)
    return gpu.device(other, cause, gpu.in_use(expected, log, memory), finding)


def _log(exam: Examination) -> list[str]:
    """What whisper-server says; of one that does not stay up, its last words."""
    host, server = exam.host, exam.server
    if server.pid:
        log: list[str] = host.fact(StartLog, invocation=server.invocation, _sudo=True)
        return log
    last: list[str] = host.fact(
        LastWords, program="whisper-server", user=host.identity["user"], _sudo=True
    )
    return last
