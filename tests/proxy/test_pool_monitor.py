import time

import pytest
from whisper_proxy import pool_stats
from whisper_proxy.pool_monitor import CHECKED_SECONDS, PoolMonitor, usable
from whisper_proxy.pool_stats import Member, MemberState, UnknownError


class Said:
    """What HAProxy says, in its place."""

    def __init__(self, *members: Member) -> None:
        self.members = members
        self.is_there = True

    async def __call__(self, _: str) -> tuple[Member, ...]:
        if not self.is_there:
            raise UnknownError("away")
        return self.members


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    said = Said(Member("a", "up", slots=2), Member("b", "degraded", slots=4), Member("c", "down"))
    monkeypatch.setattr(pool_stats, "ask", said)
    return said


@pytest.fixture
async def monitor(said: Said) -> PoolMonitor:
    monitor = PoolMonitor("/socket")
    await monitor.check()
    return monitor


def states(*given: MemberState) -> list[Member]:
    return [Member(f"m{number}", state) for number, state in enumerate(given)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (states("up", "degraded", "drained", "down", "up"), ["m0", "m4"]),
        (states("down", "degraded", "drained"), ["m1"]),
        (states("down", "drained"), []),
    ],
)
def test_degraded_ones_are_the_last_resort(given: list[Member], expected: list[str]) -> None:
    assert [member.name for member in usable(given)] == expected


async def test_before_it_is_asked_nobody_is_known() -> None:
    monitor = PoolMonitor("/socket")
    assert (monitor.members, monitor.usable, monitor.slots, monitor.knows) == ((), [], 0, False)


async def test_the_slots_are_of_those_that_get_requests(monitor: PoolMonitor, said: Said) -> None:
    assert (monitor.slots, monitor.unusable_since) == (2, None)
    said.members = said.members[1:]
    await monitor.check()
    assert monitor.slots == 4


async def test_why_a_member_failed_last_is_kept(monitor: PoolMonitor, said: Said) -> None:
    assert set(monitor.failures) == {"b", "c"}
    said.members = (Member("a", "down", problem="L4TOUT: Layer4 timeout"),)
    await monitor.check()
    said.members = (Member("a", "up"),)
    await monitor.check()
    assert monitor.failures["a"].what == "L4TOUT: Layer4 timeout"
    monitor.record_failure("a", "it was lost")
    assert monitor.failures["a"].what == "it was lost"


async def test_without_haproxy_nobody_is_usable_and_all_are_still_known(
    monitor: PoolMonitor, said: Said
) -> None:
    said.is_there = False
    await monitor.check()
    assert (monitor.knows, monitor.usable, len(monitor.members)) == (False, [], 3)
    since = monitor.unusable_since
    assert since
    await monitor.check()
    assert monitor.unusable_since == since
    said.is_there = True
    await monitor.check()
    assert monitor.unusable_since is None


async def test_a_member_is_back_when_it_was_checked_since(
    monitor: PoolMonitor, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = time.monotonic()
    await monitor.check()
    assert not monitor.has_returned("a", lost)  # what HAProxy says may be of before
    monkeypatch.setattr(time, "monotonic", lambda: lost + CHECKED_SECONDS + 0.1)
    said.members = (Member("a", "up", problem="L4CON: Connection refused"), Member("b", "degraded"))
    await monitor.check()
    assert not monitor.has_returned("a", lost)
    assert monitor.has_returned("b", lost)
    assert not monitor.has_returned("unknown", lost)
