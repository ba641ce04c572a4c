"""What the proxy finds of itself: see whisper_proxy/self_check.py, which prints it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Of a proxy that is older than its self-check.
UNKNOWN = "No module named whisper_proxy.self_check"


@dataclass(frozen=True)
class ProxyReport:
    """What it found.

    `faults` are what is broken, by part: "decoder", "spool". `ffmpeg` is the program that decodes,
    `formats` what was tried. `spool` is the directory of large uploads, on the file system `mount`
    of this `type`, where `free` bytes are; None where that is not known. `budget` are the bytes
    that all uploads may take, `largest` those of one with what is decoded of it. `packages` are
    those of its virtual environment that are not as they were installed. `error` is why none
    of this is known.
    """

    faults: Mapping[str, str] = field(default_factory=dict)
    ffmpeg: str = ""
    formats: tuple[str, ...] = ()
    spool: str = ""
    mount: str = ""
    type: str = ""
    free: int | None = None
    budget: int = 0
    largest: int = 0
    packages: tuple[str, ...] = ()
    error: str = ""

    to_json = asdict  # for `pyinfra … fact`


def parse_proxy_report(lines: Iterable[str]) -> ProxyReport | None:
    """What proxy-self-check.sh prints; None for a proxy that is too old to say."""
    said = dict(line.partition(" ")[::2] for line in lines)
    error = said.get("error", "")
    if not said or UNKNOWN in error:
        return None
    if "report" not in said:
        return ProxyReport(error=error or "it says nothing")
    report: dict[str, Any] = json.loads(said["report"])
    free, kind, mount = said.get("disk", "  ").split(" ", 2)
    return ProxyReport(
        faults={fault["part"]: fault["what"] for fault in report["faults"]},
        ffmpeg=report["ffmpeg"],
        formats=tuple(report["formats"]),
        spool=report["spool"],
        mount=mount,
        type=kind,
        free=int(free) if free else None,
        budget=report["budget"],
        largest=report["largest"],
        packages=tuple(report["packages"]),
    )
