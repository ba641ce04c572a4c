"""A gateway's pool: what runs for it, and how its members are."""

import json
from collections.abc import Mapping
from typing import Any

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.gateway import PoolState
from voicemode_whisper.core.health.report import CheckResult, restart
from voicemode_whisper.core.layout import BALANCER_UNIT, POOL_SOCKET, POOL_UNIT, POOL_UNITS
from voicemode_whisper.core.speech import SAMPLE_SECONDS, is_spoken

# What the proxy calls a member's state, and whether that is an error, None where all is well.
STATES: Mapping[str, bool | None] = {"up": None, "drained": False, "degraded": False, "down": True}


def services(state: PoolState) -> CheckResult:
    """Whether the setup of the pool serves, and does so after a boot."""
    if not state.current:
        return CheckResult("pool services", "there is no pool yet", DEPLOY_AGAIN)
    wrong = [*_ill(state), *(f"{unit} is not as the deploy wrote it" for unit in state.differing)]
    if not wrong:
        return CheckResult("pool services", f"{', '.join(POOL_UNITS)} run")
    fix = DEPLOY_AGAIN if state.differing else restart(_first_ill(state))
    return CheckResult("pool services", "; ".join(wrong), fix)


def _ill(state: PoolState) -> list[str]:
    found = {unit: state.unit(unit) for unit in POOL_UNITS}
    return [
        *(f"{unit} is {one.active}" for unit, one in found.items() if one.active != "active"),
        *(f"{unit} is not enabled" for unit, one in found.items() if one.enabled != "enabled"),
    ]


def _first_ill(state: PoolState) -> str:
    order = (BALANCER_UNIT, POOL_SOCKET, POOL_UNIT)
    return next((unit for unit in order if state.unit(unit).active != "active"), POOL_UNIT)


def proxy(url: str, status: int, body: str) -> CheckResult:
    """What the pool's proxy answers at its /health: the HTTP status, 0 where nobody answers.

    What it complains of in members stands in their own rows.
    """
    if status == 0:
        return CheckResult("pool", f"nobody answers at {url}", restart(POOL_UNIT))
    said = _said(body)
    if said.get("status") == "unavailable" or said.get("broken"):
        found = f"{url} says {said.get('status')}: {said.get('reason')}"
        return CheckResult("pool", found, f"journalctl --user -u {BALANCER_UNIT} -n 20")
    queue, pool = said.get("queue") or {}, said.get("pool") or {}
    running, waiting, slots = queue.get("running"), queue.get("waiting"), pool.get("slots")
    return CheckResult("pool", f"{url} answers; {running} run in {slots} places, {waiting} wait")


def members(body: str) -> list[CheckResult]:
    """A row for each member, as the pool's proxy tells of it in its /health."""
    listed = (_said(body).get("pool") or {}).get("members") or []
    return [_member(one) for one in listed]


def _member(said: Mapping[str, Any]) -> CheckResult:
    name, state = str(said["name"]), str(said["state"])
    last = said.get("last_failure")
    found = f"{state}, {said['running']} run, {said['waiting']} wait"
    if last:
        found += f"; {_ago(last['seconds'])} ago: {last['what']}"
    is_error = STATES.get(state, True)
    if is_error is None:
        return CheckResult(f"member {name}", found)
    if state == "drained":
        fix = f"{DEPLOY_AGAIN}  # puts it back"
    else:
        fix = f"pyinfra inventory.py tasks/doctor.py --limit {name}"
    return CheckResult(f"member {name}", found, fix, warning=not is_error)


def _ago(seconds: int) -> str:
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours} h" if hours else f"{minutes} min" if minutes else f"{seconds} s"


def _said(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def versions(labels: Mapping[str, str]) -> list[CheckResult]:
    """Whether members that could be asked serve the same: their labels by name."""
    by_label: dict[str, list[str]] = {}
    for name, label in labels.items():
        by_label.setdefault(label, []).append(name)
    if not by_label:
        return []
    if len(by_label) == 1:
        return [CheckResult("pool serves", next(iter(by_label)))]
    found = "; ".join(f"{', '.join(names)}: {label}" for label, names in by_label.items())
    return [CheckResult("pool serves", found, DEPLOY_AGAIN, warning=True)]


def speech(url: str, text: str, seconds: float) -> CheckResult:
    """What the pool makes of speech."""
    if not is_spoken(text):
        found = f"{url} does not transcribe: {text[:160] or 'no answer'}"
        return CheckResult("pool speech", found, DEPLOY_AGAIN)
    return CheckResult("pool speech", f"{SAMPLE_SECONDS} s transcribed in {seconds:.2f} s")
