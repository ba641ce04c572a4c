"""Which GPU there is, whether the services may use it, and whether whisper-server does."""

from collections.abc import Sequence

from voicemode_whisper.core.backend_log import usage
from voicemode_whisper.core.build import NAMES
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN, Finding
from voicemode_whisper.core.generations import Generation
from voicemode_whisper.core.health.report import CheckResult, ExpectedState, restart
from voicemode_whisper.core.layout import SERVER_UNIT


def gpu(expected: ExpectedState) -> CheckResult:
    """The GPU that the kernel shows."""
    if expected.gpu:
        return CheckResult(
            "GPU", expected.gpu.label + ("; not used" if expected.backend == "cpu" else "")
        )
    if expected.backend != "cpu":
        found = f"the kernel shows none, instead of one for {NAMES[expected.backend]}"
        return CheckResult("GPU", found, "sudo dmesg | grep -E 'amdgpu|kfd'")
    return CheckResult("GPU", "none; the CPU is used")


def backend(
    expected: ExpectedState, serving: Generation | None, backends: Sequence[str]
) -> list[CheckResult]:
    """What the GPU is used through, where there is a choice; yellow if the first was refused.

    `backends` are those that may be tried.
    """
    known = serving.alternatives if serving else ()
    others = [other for other in known if other.backend in backends]
    name = NAMES[expected.backend]
    refused = next((other for other in others if other.refused), None)
    if refused:
        found = f"{name}, as {NAMES[refused.backend]} was refused on {refused.when[:10]}"
        fix = f"{DEPLOY_AGAIN} --data retry=yes  # tries it again"
        return [CheckResult("backend", found, fix, refused.refused, warning=True)]
    timed = [other for other in others if other.milliseconds is not None]
    if not timed:
        return []
    slower = ", ".join(f"{NAMES[one.backend]} takes {one.milliseconds:.0f} ms" for one in timed)
    return [CheckResult("backend", f"{name}, the faster on this card: {slower} without loading")]


def access(finding: Finding | None, tried: bool, backend: str = "hip") -> CheckResult:
    """Whether the user's services may use the GPU's devices; `tried` is whether one could try."""
    if finding:
        return CheckResult("access", finding.what, finding.fix)
    if not tried:
        found = "not known: the user's service manager starts nothing"
        return CheckResult("access", found, "systemctl --user status")
    what = "/dev/kfd and the render node" if backend == "hip" else "the render node"
    return CheckResult("access", f"the user's services may open {what}")


def in_use(expected: ExpectedState, log: Sequence[str], memory: int | None) -> str:
    """The GPU that whisper-server uses, as its log tells, and its memory as the kernel does."""
    used = usage(log)
    named = f"{used.device} ({used.gfx})" if used.gfx else used.device
    name = named or (expected.gpu and expected.gpu.label)
    return f"{name}, {memory >> 20} MiB of its memory" if memory else str(name)


def device(
    mismatch: str | None, cause: Finding | None, used: str, access: Finding | None = None
) -> CheckResult:
    """What whisper-server computes on: `mismatch` where it should not, `used` where it should.

    `access` is what the check of access has found.
    """
    name = "device in use"
    if mismatch is None:
        return CheckResult(name, used)
    if cause is None:
        return CheckResult(name, mismatch, restart(SERVER_UNIT))
    if cause == access:
        fix = f"systemctl --user restart {SERVER_UNIT}  # once access is fixed"
        return CheckResult(name, mismatch, fix, "see access")
    return CheckResult(name, mismatch, cause.fix, cause.what)
