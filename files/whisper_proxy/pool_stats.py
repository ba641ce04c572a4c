"""What HAProxy knows of a pool: its statistics, as its runtime socket gives them."""

import asyncio
import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .pool import DEGRADED_SUFFIX

MemberState = Literal["up", "degraded", "drained", "down"]

BACKEND = "members"
# Management guide, 9.3: `show stat <proxy> <type> <sid>`, of which 4 is servers.
COMMAND = f"show stat {BACKEND} 4 -1\n".encode()
SECONDS = 1.0
MOST_BYTES = 1024 * 1024  # 64 members, each two lines of about 400 bytes, are 50 kB
DRAINED = ("DRAIN", "MAINT")
NO_ADDRESS = "MAINT (resolution)"
# What a check of /health found.
WELL, DEGRADED = "L7OK", "L7OKC"

Row = Mapping[str, str]


class UnknownError(Exception):
    """HAProxy does not say."""


@dataclass(frozen=True)
class Member:
    """A member of a pool.

    state: "degraded" gets requests only where nobody is up, "drained" none as somebody wants it so.
    running, waiting: requests that it has, and that wait for it alone. slots: how many it gets at a
    time. problem: what its last check found, "" if nothing.
    """

    name: str
    state: MemberState
    running: int = 0
    waiting: int = 0
    slots: int = 1
    problem: str = ""

    @property
    def serves(self) -> bool:
        """Whether its last check has found it to answer."""
        return self.state == "degraded" or (self.state == "up" and not self.problem)

    @property
    def server(self) -> str:
        """HAProxy's name for it, as it is now."""
        return f"{self.name}{DEGRADED_SUFFIX}" if self.state == "degraded" else self.name


async def ask(socket: str) -> tuple[Member, ...]:
    """Return the members, asked at HAProxy's runtime socket, or raise UnknownError."""
    try:
        async with asyncio.timeout(SECONDS):
            return parse((await _said(socket)).decode("ascii", "replace"))
    except (OSError, LookupError, ValueError) as error:
        raise UnknownError(str(error)) from error


async def _said(socket: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(socket, limit=MOST_BYTES)
    try:
        writer.write(COMMAND)
        said = await reader.read(-1)
    finally:
        writer.close()
    return said


def parse(text: str) -> tuple[Member, ...]:
    """Return the members in the order of the configuration, from `show stat`, which is CSV.

    Raises LookupError or ValueError if it is none of a pool.
    """
    rows = {row["svname"]: row for row in _rows(text)}
    well = [name for name in rows if not name.endswith(DEGRADED_SUFFIX)]
    if not well:
        raise ValueError(f"no servers in {text[:80]!r}")
    return tuple(_member(name, rows[name], rows[name + DEGRADED_SUFFIX]) for name in well)


def _rows(text: str) -> Iterable[Row]:
    return csv.DictReader(text.removeprefix("# ").splitlines())


def _member(name: str, well: Row, last_resort: Row) -> Member:
    return Member(
        name,
        _state(well, last_resort),
        running=int(well["scur"]) + int(last_resort["scur"]),
        waiting=int(well["qcur"]) + int(last_resort["qcur"]),
        slots=int(well["slim"]),
        problem=_problem(well),
    )


def _state(well: Row, last_resort: Row) -> MemberState:
    status = well["status"]
    if status.startswith("UP"):  # or "UP 2/3", whose last check has failed
        return "up"
    if status.startswith(DRAINED):
        return "down" if status == NO_ADDRESS else "drained"
    # One that was down before is "DOWN" until it is well, though it answers.
    answers = _check(well) == DEGRADED and last_resort["status"].startswith("UP")
    return "degraded" if answers else "down"


def _check(row: Row) -> str:
    return row["check_status"].removeprefix("* ")  # a star: one is under way


def _problem(row: Row) -> str:
    """Return what the last check found, such as "L4CON: Connection refused"."""
    if row["status"] == NO_ADDRESS:
        return "its name leads nowhere"
    status = _check(row)
    if not status or status == WELL:
        return ""
    if status == DEGRADED:
        return "its /health says degraded"
    return f"{status}: {row['last_chk'] or row['check_desc']}"
