"""What has become of each host of a run over several, and what was wrong where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voicemode_whisper.core.build import NAMES
from voicemode_whisper.core.generations import Generation
from voicemode_whisper.core.table import aligned

HEADING = ("host", "release", "backend", "device", "changed", "seconds", "")
UNKNOWN = "-"
UNTOLD = "failed as told above"


@dataclass(frozen=True)
class HostResult:
    """A host at the end of a run.

    `serving` is the generation that served when the host was last asked, None where there was none
    or that is not known. `changed` counts the operations that changed something, `seconds` are
    those that the run worked on it, without those that it waited for other hosts. `cause` is why it
    failed, empty where that is not known, None where it did not.
    """

    name: str
    serving: Generation | None = None
    changed: int = 0
    seconds: float = 0.0
    cause: str | None = None

    @property
    def failed(self) -> bool:
        return self.cause is not None


def table(results: Sequence[HostResult]) -> list[str]:
    """A heading, and a line for each host in their order."""
    return aligned([HEADING, *map(_row, results)])


def _row(result: HostResult) -> tuple[str, ...]:
    return (
        result.name,
        *_served(result.serving),
        str(result.changed or UNKNOWN),
        f"{result.seconds:.1f}",
        "failed" if result.failed else "",
    )


def _served(serving: Generation | None) -> tuple[str, str, str]:
    """Release, backend and device."""
    if serving is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    release = (serving.manifest.get("release") or {}).get("label", UNKNOWN)
    if serving.backend is None:
        return release, UNKNOWN, UNKNOWN
    name = NAMES[serving.backend].removeprefix("the ")
    return release, name, serving.gpu.label if serving.gpu else name


def record(result: HostResult) -> dict[str, Any]:
    """The same for programs: null where it is not known; `cause` too where nothing failed."""
    served = zip(HEADING[1:4], _served(result.serving), strict=True)
    return {
        **{name: None if value == UNKNOWN else value for name, value in served},
        "changed": result.changed,
        "seconds": round(result.seconds, 1),
        "failed": result.failed,
        "cause": result.cause,
    }


def causes(results: Sequence[HostResult]) -> list[str]:
    """A line for each cause of a failure, with the hosts that it hit; the most frequent first."""
    hit: dict[str, list[str]] = {}
    for result in results:
        if result.cause is not None:
            hit.setdefault(result.cause or UNTOLD, []).append(result.name)
    by_frequency = sorted(hit.items(), key=lambda item: -len(item[1]))
    return [f"{', '.join(names)}: {cause}" for cause, names in by_frequency]
