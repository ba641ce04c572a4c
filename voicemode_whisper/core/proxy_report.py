"""What the proxy finds of itself: see whisper_proxy/self_check.py, which prints it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import PROXY_UNIT

# What curl says where a file that it is to send is not there.
NO_FILE = "curl: (26)"
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


def proxy_code(report: ProxyReport, changed: Sequence[str], code: str, venv: str) -> CheckResult:
    """Whether the proxy's code and packages are those that were installed.

    `changed` are files of its code that are not; `code` and `venv` are where both lie.
    """
    name = "proxy code"
    if report.error:
        found = f"the proxy that runs cannot be started again: {report.error[:200]}"
        return CheckResult(name, found, f"rm -r {venv} && {DEPLOY_AGAIN}")
    again = f"{DEPLOY_AGAIN} && systemctl --user restart {PROXY_UNIT}"
    if changed:
        found = f"changed since it was installed: {', '.join(changed)}"
        return CheckResult(name, found, f"rm -r {code} && {again}")
    if report.packages:
        found = f"its packages were changed: {', '.join(report.packages)}"
        return CheckResult(name, found, f"rm -r {venv} && {again}")
    return CheckResult(name, "as it was installed, with the packages of its lock file")


def decoding(report: ProxyReport) -> CheckResult:
    """Whether recordings are decoded that are no WAV."""
    problem = report.faults.get("decoder")
    if not problem:
        return CheckResult("decoding", f"{report.ffmpeg} decodes {', '.join(report.formats)}")
    program, _, _ = problem.partition(" ")
    fix = "sudo pacman -Syu ffmpeg"
    if "/" in program and not program.startswith("/usr/bin/"):
        fix = f"mv {program} {program}.off  # it comes before pacman's on the PATH"
    return CheckResult("decoding", problem, fix)


def not_decoded(url: str, answer: str, wav_is_spoken: bool) -> list[CheckResult]:
    """What to say of an MP3 of speech that the proxy does not transcribe: nothing where WAV is not
    either, or where the recording is not there.
    """
    if not wav_is_spoken or NO_FILE in answer:
        return []
    found = f"{url} transcribes WAV, but of MP3 it says: {answer[:160] or 'nothing'}"
    return [CheckResult("decoding in use", found, f"journalctl --user -u {PROXY_UNIT} -n 20")]


def uploads(report: ProxyReport) -> CheckResult:
    """Whether there is room for large uploads."""
    where = f"{report.spool} ({report.type} at {report.mount})" if report.mount else report.spool
    free = "" if report.free is None else f"{_size(report.free)} free in {where}"
    problem = report.faults.get("spool")
    look = f"df -h {report.spool}; df -i {report.spool}; ls -ld {report.spool}"
    if problem:
        found = f"none above half a megabyte can be kept: {problem}"
        return CheckResult("uploads", f"{found}{free and '; '}{free}", look)
    if report.free is not None and report.free < report.largest:
        found = f"{free}, too little for one of the largest size ({_size(report.largest)})"
        return CheckResult("uploads", found, f"{look}  # free some")
    found = f"{free or where}; all together may take {_size(report.budget)}"
    return CheckResult("uploads", found)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
