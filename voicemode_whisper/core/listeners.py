"""Who listens on which TCP port, and whether that is this user's own service."""

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import POOL_UNITS, UNITS

# Between a port that is taken and the one that is offered instead.
STEP = 10
# Of people: those below are the system's own users.
FIRST_UID = 1000
MANAGER = re.compile(r"/user@(\d+)\.service/")


@dataclass(frozen=True)
class Listener:
    """A process that has a listening socket; `pid` is 0 where none can be seen.

    `address` is without brackets and scope, "*" where it takes IPv4 and IPv6. `unit` is what its
    service manager runs it as, or the socket unit that had systemd open it; `manager` is the uid of
    the user whose manager that is, None for the system's.
    """

    address: str
    port: int
    pid: int = 0
    program: str = ""
    uid: int = 0
    user: str = ""
    unit: str = ""
    manager: int | None = None

    to_json = asdict  # for `pyinfra … fact`

    def __str__(self) -> str:
        if not self.pid:
            return "a program that cannot be seen"
        at = "for" if self.program == "systemd" and self.unit.endswith(".socket") else "in"
        of_system = self.manager is None and not self.unit.endswith(".scope")
        whose = f"system, {self.user}" if of_system else self.user
        return f"{self.program} {at} {self.unit or 'no unit'} ({whose})"

    def is_service_of(self, uid: int) -> bool:
        """Whether it is one of the deploy's services, in this user's own manager."""
        return self.manager == self.uid == uid and self.unit in (*UNITS, *POOL_UNITS)


def parse_listeners(lines: Iterable[str]) -> tuple[Listener, ...]:
    """Read what listeners.sh prints; a socket without processes is one that cannot be seen."""
    found: list[Listener] = []
    socket = Listener("", 0)
    for line in lines:
        word, _, text = line.partition(" ")
        if word == "socket":
            socket = Listener(*split_address(text))
            found.append(socket)
        elif word == "process":
            pid, uid, program = text.split(" ", 2)
            if found[-1] is socket:
                found.pop()
            found.append(replace(socket, pid=int(pid), uid=int(uid), program=program))
        else:
            found[-1] = _with(found[-1], word, text)
    return tuple(found)


def split_address(text: str) -> tuple[str, int]:
    """Read ADDRESS:PORT as ss(8) and systemctl(1) write it: 127.0.0.53%lo:53, [::1]:22, *:22."""
    address, _, port = text.rpartition(":")
    return re.sub(r"%.*|[\[\]]", "", address), int(port)


def _with(listener: Listener, word: str, text: str) -> Listener:
    """A listener of which one more thing is known."""
    if word == "user":
        return replace(listener, user=text)
    if word == "cgroup":
        of_user = MANAGER.search(text)
        units = [part for part in text.split("/") if part.endswith((".service", ".scope"))]
        manager = int(of_user[1]) if of_user else None
        return replace(listener, unit=units[-1] if units else "", manager=manager)
    if word != "asked":
        raise ValueError(f"not of a listener: {word!r}")
    at, _, unit = text.partition(" ")
    named = listener.unit.endswith(".socket")
    return listener if named and not _is_at(listener, at) else replace(listener, unit=unit)


def _is_at(listener: Listener, at: str) -> bool:
    asked, _ = split_address(at)
    return listener.address == asked or (listener.address, asked) == ("*", "::")


def conflicts(listener: Listener, address: str, port: int) -> bool:
    """Whether a socket at this address and port could not be opened beside the listener's."""
    if listener.port != port:
        return False
    if listener.address == "*" or address == "::":  # IPv4 too
        return True
    theirs, ours = (_plain(ipaddress.ip_address(one)) for one in (listener.address, address))
    same_family = theirs.version == ours.version
    return same_family and (theirs == ours or theirs.is_unspecified or ours.is_unspecified)


def _plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return getattr(address, "ipv4_mapped", None) or address


def strangers(listeners: Iterable[Listener], address: str, port: int, uid: int) -> list[Listener]:
    """Those that are in the way of a service of this user, and are none."""
    return [
        listener
        for listener in listeners
        if conflicts(listener, address, port) and not listener.is_service_of(uid)
    ]


def named(listeners: Iterable[Listener]) -> str:
    """For people: who they are, each once."""
    return " and ".join(dict.fromkeys(map(str, listeners)))


def check_ports(
    listeners: Sequence[Listener], wanted: Mapping[str, tuple[str, int]], uid: int
) -> None:
    """Refuse ports that are taken: `wanted` are address and port for each setting.

    UserError names the settings, who has the ports, and the command with free ones.
    """
    taken = {
        name: (port, found)
        for name, (address, port) in wanted.items()
        if (found := strangers(listeners, address, port, uid))
    }
    if not taken:
        return
    used = {one.port for one in listeners} | {port for _, port in wanted.values()}
    options = " ".join(
        option(name, wanted[name][0], free_port(port, used)) for name, (port, _) in taken.items()
    )
    theirs = any(_is_another_user(one, uid) for _, who in taken.values() for one in who)
    raise UserError(
        "; ".join(f"{name}: {port} is taken by {named(who)}" for name, (port, who) in taken.items())
        + f"; {'' if theirs else 'end that, or '}take what is free: {DEPLOY_AGAIN} {options}"
    )


def option(name: str, address: str, port: int) -> str:
    """The command's words for a setting with this port; all but those of ports have an address."""
    at = f"[{address}]" if ":" in address else address
    return f"--data {name}={port if name.endswith('_port') else f'{at}:{port}'}"


def _is_another_user(listener: Listener, uid: int) -> bool:
    return listener.uid >= FIRST_UID and listener.uid != uid


def free_port(port: int, used: Collection[int]) -> int:
    """A port near this one that nobody listens on."""
    near = chain(range(port + STEP, 65536, STEP), range(65535, 1023, -1))
    return next(one for one in near if one not in used)
