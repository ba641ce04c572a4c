"""What has become of one recording in the pool, and what to do next: decisions, without I/O.

What is final: a success, and a refusal of the recording (4xx). Otherwise it is sent again:

- Where nothing was computed (no turn, HAProxy away, a member that is full, or refuses the gateway),
  for as long as it may be without a member.
- Where a member says that it could not (its whisper-server died twice of the recording, hung,
  answered nonsense), to one other member: the member may be broken, and would otherwise fail all
  that the others could do. What two say is final.
- Where a member was lost that had all of the recording, to another one. A recording may be the
  cause that a whole machine goes down, and then is not to take down one after another. But machines
  are also rebooted and unplugged, and then nobody's recording is to be refused, however often that
  comes about. What tells them apart is whether they come back: while MOST_AWAY members that were
  lost so have not, no other gets it. So one recording has no more than that down at a time; one
  that is innocent goes on when the first is back; and one whose members stay away is refused when
  it has waited as long as any may. That this happens by chance needs two machines to fail for good
  within the minute in which they have the same recording, one after the other: two that fail
  together, as for want of power, have it only once.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .pool import Answer, NoAnswerError
from .pool_monitor import usable
from .pool_stats import Member

MOST_AWAY = 2
OPINIONS = 2
CRASHED = "audio_crashes_server"
# What a member says when it, or the recording, cannot do it.
COULD_NOT = {500, 501, 502, 504}
# What it says when it has no room now (507: on its disk), or was sent too little in time.
NOT_NOW = {408, 503, 507}
# What it says to a gateway whose key or name it does not know.
NOT_TO_US = {401, 403}
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0

HasReturned = Callable[[str, float], bool]


@dataclass(frozen=True)
class Go:
    """Send it, in `pause` seconds. server: HAProxy's name of who is to have it, "": anybody."""

    server: str = ""
    pause: float = 0.0


@dataclass(frozen=True)
class Wait:
    """Look again after `pause` seconds: nobody may have it now."""

    pause: float = FIRST_PAUSE


@dataclass(frozen=True)
class Final:
    """This is the answer."""

    answer: Answer


Step = Go | Wait | Final


class Course:
    """The course of one recording. Times are on the monotonic clock, in seconds.

    max_wait: for how long it may be without a member, counted from when it first was without one
    that it was to have, and anew when it is lost with one.
    """

    def __init__(self, max_wait: float) -> None:
        self._max_wait = self._left = max_wait
        self._since: float | None = None  # without a member
        self._lost: dict[str, float] = {}
        self._verdicts: dict[str, Answer] = {}
        self._declined: set[str] = set()
        self._pause = 0.0
        self._began = -math.inf

    def begin(self, now: float) -> None:
        """Note that it is sent."""
        self._began = now

    def taken(self, now: float) -> None:
        """Note that a member has begun to receive it: the clock stands."""
        if self._since is not None:
            self._left -= now - self._since
            self._since = None

    @property
    def deadline(self) -> float:
        """Until when a member has to take it."""
        return math.inf if self._since is None else self._since + self._left

    def answered(self, answer: Answer, now: float) -> Answer | None:
        """Take note of an answer, and return it if it is final."""
        if answer.status in NOT_NOW | NOT_TO_US:
            self._declined.add(answer.member)
            self._without(now)
            return None
        if answer.status not in COULD_NOT and answer.code != CRASHED:
            return answer
        self._verdicts[answer.member] = answer
        self._without(now)
        return answer if len(self._verdicts) >= OPINIONS else None

    def failed(self, error: NoAnswerError, now: float) -> None:
        """Take note that there was no answer."""
        if error.sent and error.member:
            self._lost[error.member] = now
        if error.taken:
            self._left = self._max_wait
        self._without(now)

    def _without(self, now: float) -> None:
        if self._since is None:
            self._since = now
        self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)

    @property
    def verdict(self) -> Answer | None:
        """What a member said last that could not do it, None if none did."""
        return next(reversed(self._verdicts.values()), None)

    def is_suspect(self, has_returned: HasReturned) -> bool:
        """Whether so many members went away with it that no other may have it."""
        return len(self._away(has_returned)) >= MOST_AWAY

    def _away(self, has_returned: HasReturned) -> set[str]:
        return {name for name, at in self._lost.items() if not has_returned(name, at)}

    def next(self, members: Sequence[Member], has_returned: HasReturned, now: float) -> Step:
        """Return what to do now that it has no final answer."""
        if self.is_suspect(has_returned):
            return Wait()
        pause = max(0.0, self._began + self._pause - now)
        others = self._others(members, self._away(has_returned) | self._verdicts.keys())
        if self.verdict:
            return Go(others[0].server, pause) if others else Final(self.verdict)
        return Go(self._free(others), pause)

    def _others(self, members: Sequence[Member], but: set[str]) -> list[Member]:
        """Return who serves, the one with the least to do first."""
        others = [member for member in usable(members) if member.name not in but]
        return sorted(others, key=lambda member: (member.running + member.waiting) / member.slots)

    def _free(self, others: Sequence[Member]) -> str:
        """Return one that has nothing to do, and neither lost nor declined it; "" if there is none.

        Only after such a failure: HAProxy knows better who is free, but not who has failed.
        """
        failed = self._declined | self._lost.keys()
        free = (m for m in others if m.running + m.waiting < m.slots and m.name not in failed)
        return next((member.server for member in free), "") if failed else ""
