"""Who listens where the services should, and what they answer there."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.report import CheckResult, restart
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT
from voicemode_whisper.core.listeners import (
    Listener,
    conflicts,
    free_port,
    named,
    option,
    strangers,
)
from voicemode_whisper.core.speech import is_spoken


def port(
    name: str, address: tuple[str, int], listeners: Sequence[Listener], uid: int
) -> CheckResult:
    """Who listens where a service should, by the setting of the port."""
    taken = strangers(listeners, *address, uid)
    if taken:
        found = f"{address[1]} is taken by {named(taken)}"
        free = free_port(address[1], {one.port for one in listeners})
        fix = f"{DEPLOY_AGAIN} {option(name, address[0], free)}  # or end what has it"
        return CheckResult(name, found, fix)
    own = [one for one in listeners if conflicts(one, *address)]
    return CheckResult(name, f"{address[1]}: {named(own) if own else 'nobody else has it'}")


def woken(heard: str, body: str) -> CheckResult:
    """What came of a request to a whisper-server that was idle; `body` is the proxy's /health."""
    name, was = "idle stop", "whisper-server was idle, as nothing was asked for"
    if not is_spoken(heard):
        found = f"{was}, and is not started by a request: {heard[:160] or 'no answer'}"
        return CheckResult(name, found, f"journalctl --user -u {SERVER_UNIT} -u {PROXY_UNIT} -n 20")
    seconds = _health(body).get("wake_seconds")
    took = "" if seconds is None else f" in {seconds:.1f} s"
    return CheckResult(name, f"{was}, and a request has started it{took}")


def endpoint(name: str, url: str, status: int, body: str, unit: str) -> CheckResult:
    """What a server answers at its /health: the HTTP status, 0 where nobody answers.

    What the proxy complains of is whisper-server.
    """
    if status == 0:
        return CheckResult(name, f"nobody answers at {url}", restart(unit))
    said = _health(body)
    if status != 200 or said.get("status") == "degraded":
        word = said.get("status") or f"HTTP status {status}"
        # What follows the semicolon there is who says more: that is here.
        reason = str(said.get("reason") or "").partition(";")[0].rstrip(".")
        return CheckResult(name, f"{url} says {word}{reason and ': '}{reason}", _see(said))
    return CheckResult(name, f"{url} answers")


def _see(said: Mapping[str, Any]) -> str:
    """Where to look for what a server complains of."""
    rows = {"decoder": "see decoding", "spool": "see uploads"}
    broken = [rows[part] for part in said.get("broken") or () if part in rows]
    if said.get("in_use") == "cpu":
        return "see device in use"
    return broken[0] if broken else f"journalctl --user -u {SERVER_UNIT} -n 20"


def requests_ahead(body: str) -> int:
    """How many requests the proxy has that came before, as its /health says."""
    queue = _health(body).get("queue") or {}
    return sum(int(queue.get(name, 0)) for name in ("running", "waiting"))


def _health(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
