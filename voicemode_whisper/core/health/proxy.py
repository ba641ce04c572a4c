"""What the proxy runs on."""

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.report import CheckResult
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
