"""What the doctor reports: results of checks, beside what is expected of the host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from voicemode_whisper.core.gpu import Gpu, choose_backends
from voicemode_whisper.core.models import Model


@dataclass(frozen=True)
class CheckResult:
    """One check: its name, what was found, and what fixes it, empty where nothing is wrong.

    `cause` is why it is not, where that is known and is not what was found. A `warning` is no
    failure: `fix` is what can be done about it.
    """

    name: str
    found: str
    fix: str = ""
    cause: str = ""
    warning: bool = False

    @property
    def failed(self) -> bool:
        """Whether something is wrong."""
        return bool(self.fix) and not self.warning


def caused_by(cause: CheckResult, result: CheckResult) -> CheckResult:
    """The result of a check that failed because another did: what mends that mends it too."""
    if not cause.fix or not result.fix:
        return result
    return replace(result, fix=cause.fix, cause=f"see {cause.name}")


@dataclass(frozen=True)
class ExpectedState:
    """What is to be there: the backend, the GPU, the model.

    `idle_watts` are those of the idle card before there were services, None where not known;
    `rests` is whether whisper-server is stopped when nobody asks it.
    """

    backend: str
    gpu: Gpu | None
    model: Model
    idle_watts: float | None = None
    rests: bool = False


def expected_backend(setting: str, gpu: Gpu | None, manifest: Mapping[str, Any] | None) -> str:
    """The backend that whisper_backend means on a host with this GPU and this live build.

    Of several the one that was built for. A GPU that was built for and is not shown any more is
    missing, and not done without.
    """
    built = str(manifest["backend"]) if manifest else ""
    if gpu is None:
        if built and setting in ("auto", "fastest"):
            return built
        return setting if setting in ("hip", "vulkan") else "cpu"
    backends = choose_backends(setting, gpu)
    return built if built in backends else backends[0]


def table(results: Sequence[CheckResult]) -> list[tuple[str, str]]:
    """The lines to print, each with its colour, empty for the terminal's own.

    A line for each check; below one that failed, the cause where it is known, and the fix.
    """
    width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        word, colour = _mark(result)
        lines.append((f"{word:<4}  {result.name:<{width}}  {result.found}", colour))
        if result.cause:
            lines.append((f"      {'':<{width}}  cause: {result.cause}", colour))
        if result.fix:
            lines.append((f"      {'':<{width}}  fix: {result.fix}", colour))
    return lines


def _mark(result: CheckResult) -> tuple[str, str]:
    if result.warning:
        return "WARN", "yellow"
    return ("FAIL", "red") if result.failed else ("OK", "")


def verdict(results: Sequence[CheckResult]) -> str:
    """The checks that failed, in a line; empty where none did."""
    failed = [result.name for result in results if result.failed]
    return f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}" if failed else ""


def restart(unit: str) -> str:
    """The fix of a unit where no cause is known: a restart, and what it says then."""
    return f"systemctl --user restart {unit}; journalctl --user -u {unit} -n 20"
