"""The state of a pool, asked in the background so that /health never waits for it."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from . import pool_stats
from .pool_stats import Member, UnknownError

LOG = logging.getLogger(__name__)

POLL_SECONDS = 1.0
# By then HAProxy, which checks every second, has looked at a member again.
CHECKED_SECONDS = 1.5


@dataclass(frozen=True)
class Failure:
    """When, on the monotonic clock, a member failed last, and how."""

    at: float
    what: str


class PoolMonitor:
    """The last known state of the pool whose HAProxy has this runtime socket.

    members: in the order of the configuration; those last known while HAProxy does not answer.
    knows: whether it does. unusable_since: when there was first found to be no member that serves,
    on the monotonic clock; None while there is one. failures: by member, the last one of each.
    """

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._seen: dict[str, float] = {}
        self.members: tuple[Member, ...] = ()
        self.knows = False
        self.unusable_since: float | None = None
        self.failures: dict[str, Failure] = {}

    @property
    def usable(self) -> list[Member]:
        """Those that get requests now: the ones that are well, otherwise the degraded ones."""
        return usable(self.members) if self.knows else []

    @property
    def slots(self) -> int:
        """How many requests they take together."""
        return sum(member.slots for member in self.usable)

    def has_returned(self, member: str, since: float) -> bool:
        """Whether a member was found to serve after what happened then, on the monotonic clock."""
        return self._seen.get(member, since) > since + CHECKED_SECONDS

    def record_failure(self, member: str, what: str) -> None:
        """Record what a request found wrong with a member."""
        self.failures[member] = Failure(time.monotonic(), what)

    async def check(self) -> None:
        """Ask HAProxy once."""
        asked = time.monotonic()
        try:
            self._record(await pool_stats.ask(self._socket), asked)
        except UnknownError as error:
            if self.knows or self.unusable_since is None:
                LOG.warning("HAProxy does not say how the pool is: %s", error)
            self.knows = False
        self._note_usable()

    def _record(self, members: tuple[Member, ...], asked: float) -> None:
        before = {member.name: member.state for member in self.members}
        self.members, self.knows = members, True
        for member in members:
            if member.serves:
                self._seen[member.name] = asked
            if member.state in ("down", "degraded") and before.get(member.name) != member.state:
                self.failures[member.name] = Failure(asked, member.problem or member.state)

    def _note_usable(self) -> None:
        if self.usable:
            self.unusable_since = None
        elif self.unusable_since is None:
            self.unusable_since = time.monotonic()

    async def run(self) -> None:
        """Check periodically until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.check()


def usable(members: Sequence[Member]) -> list[Member]:
    """Return those that get requests: the ones that are well, otherwise the degraded ones."""
    well = [member for member in members if member.state == "up"]
    return well or [member for member in members if member.state == "degraded"]
