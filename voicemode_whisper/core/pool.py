"""A pool: several machines behind one address, and the HAProxy that has their queue.

What the proxy of a gateway has to agree on with HAProxy stands here and in whisper_proxy/pool.py:
names of sockets, of headers, and of a member that serves as the last resort.
"""

import csv
import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, StrictUndefined

from voicemode_whisper.core.errors import UserError

REQUESTS_SOCKET, RUNTIME_SOCKET = "requests.sock", "runtime.sock"
# sockaddr_un has 108 bytes (unix(7)), and HAProxy binds `PATH.PID.tmp` before it renames it.
MAX_DIRECTORY = 107 - len(f"/{REQUESTS_SOCKET}.4194304.tmp")
# What HAProxy takes for a server's name, but for the colon, which begins the suffix.
NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
ADDRESS = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]+")
DEGRADED_SUFFIX = ":degraded"
# What the configuration would read as something else.
UNQUOTED = re.compile(r"/[\w@%+=:,./-]*", re.ASCII)
SLOTS = range(1, 65)
# What a gateway needs.
GATEWAY_PACKAGES = ("curl", "haproxy", "python")


@dataclass(frozen=True)
class Member:
    """A machine that transcribes: `address` and `port` are those of its whisper-proxy.

    `name` is the inventory's, and what its certificate has to be for. `slots` is how many requests
    it is given at a time.
    """

    name: str
    address: str
    port: int = 2023
    slots: int = 1

    @property
    def socket_address(self) -> str:
        """ADDRESS:PORT, an IPv6 address in brackets."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it is on the gateway itself, reached over loopback."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return self.address == "localhost"


@dataclass(frozen=True)
class Tls:
    """How the gateway knows its members, and they it: paths of files in PEM on the gateway.

    `ca` is whom the members' certificates have to be from; `certificate` is the gateway's own, with
    its key in the same file or beside it in `CERTIFICATE.key`.
    """

    ca: str
    certificate: str


@dataclass(frozen=True)
class Pool:
    """What HAProxy is to do: `directory` is for its sockets, and the user's alone.

    Without `tls` the traffic to the members is not encrypted; over loopback it never is.
    `turn_seconds` is for how long a request waits for its turn before whisper-proxy asks anew,
    `most_behind_ms` how far it may be put behind smaller ones.
    """

    members: tuple[Member, ...]
    directory: str
    stats_port: int = 2026
    tls: Tls | None = None
    turn_seconds: int = 5
    most_behind_ms: int = 20_000

    # As whisper_proxy/pool.py has them.
    waited_header = "x-pool-waited"
    member_header = "x-pool-member"
    served_header = "x-pool-served"
    tried_header = "x-pool-tried"
    degraded_suffix = DEGRADED_SUFFIX
    # More than a gateway lets in (whisper_proxy/connections.py), and what looks at it.
    max_connections = 2000

    @property
    def requests_socket(self) -> str:
        """Where requests come in."""
        return f"{self.directory}/{REQUESTS_SOCKET}"

    @property
    def runtime_socket(self) -> str:
        """Where it is asked for its statistics, and told which member rests."""
        return f"{self.directory}/{RUNTIME_SOCKET}"

    def tls_options(self, member: Member) -> str:
        """How a member is reached, as the end of its line."""
        if not self.tls or member.is_local:
            return ""
        return (
            f" ssl verify required ca-file {self.tls.ca} verifyhost {member.name}"
            f" sni str({member.name}) check-sni {member.name} crt {self.tls.certificate}"
        )


def haproxy_config(pool: Pool, template: str, revision: str = "") -> str:
    """The text of haproxy.cfg, from that of templates/haproxy.cfg.j2.

    HAProxy shows the `revision` as its description.

    Raises `UserError` with a line for everything in `pool` that HAProxy could not have.
    """
    check_pool(pool)
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(template).render(pool=pool, revision=revision)


def check_pool(pool: Pool) -> None:
    """Refuse what HAProxy could not have: a line for each."""
    problems = [*_members_problems(pool.members), *_paths_problems(pool)]
    if problems:
        raise UserError(*problems)


def drain_commands(member: str) -> tuple[str, ...]:
    """What the runtime socket is told so that a member gets nothing new, and ends what it has.

    Before it is restarted, wait until it has nothing any more: a proxy that finishes its last
    requests answers no check, and what is under way on a member that is down is sent to another.
    """
    return _state_commands(member, "drain")


def ready_commands(member: str) -> tuple[str, ...]:
    """What it is told so that the member gets requests again."""
    return _state_commands(member, "ready")


def _state_commands(member: str, state: str) -> tuple[str, ...]:
    entries = (f"members/{member}", f"members/{member}{DEGRADED_SUFFIX}")
    return tuple(f"set server {entry} state {state}" for entry in entries)


def _members_problems(members: Sequence[Member]) -> list[str]:
    if not members:
        return ['pool: it has no members; name them in "servers" of the inventory']
    counts = Counter(member.name for member in members)
    twice = [f"pool: {name!r} is a member twice" for name, n in counts.items() if n > 1]
    return [*twice, *(problem for member in members for problem in _problems(member))]


def _problems(member: Member) -> list[str]:
    who = f"pool: member {member.name!r}"
    problems = []
    if not NAME.fullmatch(member.name):
        problems.append(f"{who} has to have a name of letters, digits and _ . -, 100 at most")
    if not ADDRESS.fullmatch(member.address):
        problems.append(f"{who}: got the address {member.address!r}; give a host name or an IP")
    if member.port not in range(1, 65536):
        problems.append(f"{who}: got the port {member.port}; give one from 1 to 65535")
    if member.slots not in SLOTS:
        problems.append(f"{who}: got {member.slots} slots; give from 1 to {SLOTS[-1]}")
    return problems


def _paths_problems(pool: Pool) -> list[str]:
    tls = (pool.tls.ca, pool.tls.certificate) if pool.tls else ()
    problems = [
        f"pool: got the path {path!r}; give an absolute one of letters, digits and _.-@%+=:,"
        for path in (pool.directory, *tls)
        if not UNQUOTED.fullmatch(path)
    ]
    if len(pool.directory.encode()) > MAX_DIRECTORY:
        problems.append(
            f"pool: got the directory {pool.directory}, which is longer than the {MAX_DIRECTORY} "
            "bytes that leave room for the names of sockets in it"
        )
    return problems


@dataclass(frozen=True)
class MemberState:
    """What HAProxy knows of a member.

    `is_up` is whether it gets requests, `rests` whether it was told not to; `running` is how many
    it has.
    """

    is_up: bool = False
    rests: bool = False
    running: int = 0


def may_go_out(member: str, states: Mapping[str, MemberState]) -> bool:
    """Whether a member may be taken out: it is known, and all others are up."""
    others = [state for name, state in states.items() if name != member]
    return member in states and all(state.is_up for state in others)


def parse_member_states(lines: Iterable[str]) -> dict[str, MemberState]:
    """Read HAProxy's statistics as CSV (management guide, 9.1): the members by name."""
    rows = csv.DictReader(line.removeprefix("# ") for line in lines if line)
    found: dict[str, MemberState] = {}
    for row in rows:
        if row["pxname"] != "members" or row["svname"] == "BACKEND":
            continue
        name = row["svname"].removesuffix(DEGRADED_SUFFIX)
        before = found.get(name, MemberState())
        is_last_resort = row["svname"].endswith(DEGRADED_SUFFIX)
        found[name] = MemberState(
            is_up=before.is_up or (not is_last_resort and row["status"].startswith("UP")),
            rests=before.rests or row["status"].startswith("DRAIN"),
            running=before.running + int(row["scur"]),
        )
    return found
