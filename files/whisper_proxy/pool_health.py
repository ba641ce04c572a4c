"""A gateway's /health, /status and /metrics."""

import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from . import __version__
from .health import Status, broken_parts, counts, exposed, live, own_status, room
from .keys import POOL_DISPATCH, POOL_METRICS, POOL_MONITOR, SETTINGS, SPOOLS
from .pool_monitor import Failure, PoolMonitor
from .pool_stats import Member
from .status import details

WITHOUT_HAPROXY = "HAProxy is away and requests wait for it."
WITHOUT_MEMBERS = "No member of the pool answers and requests wait for one."
NOBODY = "No member of the pool answers."
NO_HAPROXY = "HAProxy, which has the pool's queue, is away."
STATES = ("up", "degraded", "drained", "down")


async def health(request: web.Request) -> web.Response:
    """Answer 200 if requests are accepted, otherwise 503. Asks nobody, so is fast.

    status: "ok"; "degraded" if a member is down or degraded, if none answers for less time than a
    request waits, if there is no room for uploads or they cannot be kept; "unavailable" if none has
    answered for longer. reason: which of these it is. A member that is drained is meant to be.

    pool: what HAProxy says of each member. queue, spool, broken: as without a pool.
    """
    body = described(request.app)
    return web.json_response(body, status=503 if body["status"] == "unavailable" else 200)


async def status(request: web.Request) -> web.Response:
    """Answer what /health says, and how it is used: see `status.details`. Always 200."""
    return web.json_response(described(request.app) | await details(request.app))


def described(app: web.Application) -> dict[str, Any]:
    """Return the body of /health."""
    settings, monitor = app[SETTINGS], app[POOL_MONITOR]
    spools, broken = app[SPOOLS], broken_parts(app)
    status, reason = _status(monitor, settings.max_wait)
    if status == "ok":
        status, reason = own_status(spools, broken)
    return {
        "status": status,
        "reason": reason,
        "model": settings.model,
        "version": __version__,
        "queue": counts(app[POOL_DISPATCH]),
        "spool": room(spools),
        "live": live(app),
        "broken": broken,
        "pool": {
            "haproxy": "ready" if monitor.knows else "unreachable",
            "slots": monitor.slots,
            "members": [_member(one, monitor.failures.get(one.name)) for one in monitor.members],
        },
    }


def _member(member: Member, failure: Failure | None) -> dict[str, Any]:
    ago = failure and {"seconds": round(time.monotonic() - failure.at), "what": failure.what}
    return {
        "name": member.name,
        "state": member.state,
        "running": member.running,
        "waiting": member.waiting,
        "slots": member.slots,
        "last_failure": ago,
    }


def _status(monitor: PoolMonitor, max_wait: float) -> tuple[Status, str | None]:
    since = monitor.unusable_since
    if since is not None:
        if time.monotonic() - since < max_wait:
            return "degraded", WITHOUT_MEMBERS if monitor.knows else WITHOUT_HAPROXY
        return "unavailable", NOBODY if monitor.knows else NO_HAPROXY
    ill = [member for member in monitor.members if member.state in ("degraded", "down")]
    return ("degraded", _named(ill, len(monitor.members))) if ill else ("ok", None)


def _named(ill: Sequence[Member], count: int) -> str:
    """Return who of so many members is ill, as in "m2 is down, of 3 members."."""
    names = ", ".join(f"{member.name} is {member.state}" for member in ill)
    return f"{names}, of {count} members."


async def metrics(request: web.Request) -> web.Response:
    """Answer in the Prometheus text format."""
    numbers = request.app[POOL_METRICS]
    dispatcher, monitor = request.app[POOL_DISPATCH], request.app[POOL_MONITOR]
    numbers.running.set(dispatcher.running)
    numbers.waiting.set(dispatcher.waiting)
    numbers.slots.set(monitor.slots)
    numbers.up.set(bool(monitor.usable))
    for state in STATES:
        numbers.members.labels(state).set(sum(one.state == state for one in monitor.members))
    return exposed(numbers)
