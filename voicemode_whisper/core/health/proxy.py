"""The proxy's own: its Python, its code, what it decodes with, and room for uploads."""

from collections.abc import Sequence

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import PROXY_UNIT
from voicemode_whisper.core.proxy_report import ProxyReport
from voicemode_whisper.core.services import UnitState
from voicemode_whisper.core.venv import Venv


def python(venv: Venv | None, proxy: UnitState) -> CheckResult:
    """The Python that the proxy runs on, in the virtual environment of what serves."""
    if venv is None:
        return CheckResult("Python", "the proxy's virtual environment is not there", DEPLOY_AGAIN)
    if venv.problem:
        runs = proxy.active == "active"
        lasts = "runs on until it is restarted" if runs else "does not start"
        return CheckResult("Python", f"{venv.problem}: the proxy {lasts}", DEPLOY_AGAIN)
    if venv.reason_to_replace:
        found = f"the proxy's virtual environment goes with it: {venv.reason_to_replace}"
        return CheckResult("Python", found, DEPLOY_AGAIN)
    found = f"{venv.version} ({venv.interpreter})"
    if proxy.program.endswith(" (deleted)"):
        found += "; the proxy runs the one from before an upgrade until it is restarted"
    return CheckResult("Python", found)


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
