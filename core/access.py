"""The GPU's devices, for a user who has just joined the groups that may use them.

What runs already keeps the groups that it began with: the user's service manager and all that it
starts, and the shell of a connection.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

# What a service manager that nobody uses consists of, as pairs of unit and program. Programs as
# /proc/PID/comm has them, at most 15 characters. Agents of ssh and gpg keep secrets in memory.
IDLE = {
    ("init.scope", "systemd"),
    ("init.scope", "(sd-pam)"),
    ("dbus.service", "dbus-daemon"),
    ("dbus-broker.service", "dbus-broker-lau"),
    ("dbus-broker.service", "dbus-broker"),
}
GRAPHICAL = {"x11", "wayland", "mir"}


@dataclass(frozen=True)
class Device:
    """A device node, and whether the shell of the connection may read and write it.

    `acl` holds getfacl(1)'s lines of it.
    """

    path: str
    usable: bool
    acl: tuple[str, ...]


@dataclass(frozen=True)
class Rights:
    """What counts now: the groups of the user's service manager, None where none runs, and what
    may be done with the GPU's devices, none where its driver is not loaded."""

    groups: tuple[str, ...] | None = None
    devices: tuple[Device, ...] = ()

    to_json = asdict  # for `pyinfra … fact`


@dataclass(frozen=True)
class Use:
    """What a user and their service manager are at.

    `sessions` are pairs of type and seat, as loginctl(1) has them, the seat empty where there is
    none. `units` are pairs of unit and program for each process in the manager; the program is
    empty for a transient unit, which is nowhere but in the manager.
    """

    sessions: tuple[tuple[str, str], ...] = ()
    units: tuple[tuple[str, str], ...] = ()

    to_json = asdict  # for `pyinfra … fact`


def parse_rights(lines: Iterable[str]) -> Rights:
    """What the fact `access.InEffect` prints.

    `manager` where one runs, and a line `group NAME` for each of its groups. `device PATH` for each
    device, below it `usable` if it is, and its ACL.
    """
    groups: list[str] | None = None
    devices: list[tuple[str, list[str]]] = []
    for line in lines:
        word, _, name = line.partition(" ")
        if word == "device":
            devices.append((name, []))
        elif devices:
            devices[-1][1].append(line)
        elif word == "manager":
            groups = []
        elif groups is not None and name:
            groups.append(name)
    return Rights(
        None if groups is None else tuple(groups),
        tuple(
            Device(path, "usable" in said, tuple(line for line in said if ":" in line))
            for path, said in devices
        ),
    )


def parse_use(lines: Iterable[str]) -> Use:
    """What the fact `access.ManagerUse` prints.

    `session TYPE SEAT`; `process CGROUP PROGRAM`, with the control group below the manager's;
    `transient UNIT`.
    """
    words = [(*line.split(maxsplit=2), "", "")[:3] for line in lines]
    return Use(
        tuple((kind, seat) for what, kind, seat in words if what == "session"),
        tuple((_unit(group), program) for what, group, program in words if what != "session"),
    )


def _unit(group: str) -> str:
    """The unit that a control group belongs to: "app.slice/x.service/payload" is x.service's."""
    return next((part for part in group.split("/") if not part.endswith(".slice")), group)


def why_not_restart(user: str, use: Use) -> str:
    """Why the user's service manager may not be restarted; empty if that ends nothing of theirs.

    A login without a seat, as over SSH, is no part of the manager, and survives.
    """
    for kind, seat in use.sessions:
        if seat or kind in GRAPHICAL:
            return f"{user} is logged in at {seat or 'a desktop'}"
    used = (unit for unit, program in use.units if (unit, program) not in IDLE)
    strangers = list(dict.fromkeys(used))
    if len(strangers) > 1:
        return f"{strangers[0]} and {len(strangers) - 1} more run there"
    if strangers:
        return f"{strangers[0]} runs there"
    if not use.units:
        return "what runs there cannot be seen"
    return ""


def closed(
    devices: Iterable[Device], user: str, groups: Sequence[str], held: Sequence[str]
) -> list[str]:
    """Paths of the devices that `groups` open to the user, but not yet to all that is to use them.

    That is the shell of the connection, and the service manager, which has the groups `held`.
    """
    return [
        device.path
        for device in devices
        if opens_to(device, user, groups) and not (device.usable and opens_to(device, user, held))
    ]


def opens_to(device: Device, user: str, groups: Sequence[str]) -> bool:
    """Whether a process of the user that has these groups may read and write a device."""
    entries = [f"user:{user}:rw", "other::rw", *(f"group:{group}:rw" for group in groups)]
    if any(f"# group: {group}" in device.acl for group in groups):
        entries.append("group::rw")
    # getfacl says of an entry that the mask cuts what is left of it.
    return any(line.startswith(tuple(entries)) and "#effective" not in line for line in device.acl)
