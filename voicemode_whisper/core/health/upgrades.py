"""Upgrades that the machine makes by itself: whether they come, and how the last one ended."""

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import UPGRADE_TIMER, UPGRADE_UNIT
from voicemode_whisper.core.upgrades import SUCCESS, UpgradeState


def upgrades(state: UpgradeState) -> CheckResult:
    """The timer, and what came of its last run."""
    name = "upgrades"
    if (state.active, state.enabled) != ("active", "enabled"):
        how = f"is {state.active}, {state.enabled}" if state.enabled else "is not there"
        return CheckResult(name, f"{UPGRADE_TIMER} {how}", DEPLOY_AGAIN)
    if state.result and state.result != SUCCESS:
        found = f"the one of {state.when} failed: {state.said}"
        return CheckResult(name, found, f"journalctl --user -u {UPGRADE_UNIT} -n 50")
    last = f"; that of {state.when} went well" if state.when else ""
    said = f", but: {state.said}" if state.said else ""
    return CheckResult(name, f"the next on {state.next}{last}{said}")
