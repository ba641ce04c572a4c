"""Who may open the GPU's devices, and what a restart of the user's service manager would end.

What runs already keeps the groups that it began with: the user's service manager and all that it
starts, and the shell of a connection.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

KFD = "/dev/kfd"
READ_WRITE = {"r", "w"}
# A line of getfacl(1), which says behind a # what the mask leaves of an entry.
ACL_ENTRY = re.compile(r"(user|group|mask|other):([^:]*):([r-][w-][x-])(\s*#.*)?")
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


# Those that may open the devices of GPUs.
GPU_GROUPS = ("render", "video")


@dataclass(frozen=True)
class Device:
    """A device node.

    `mode` is as stat(1) shows it: "crw-rw----". `acl` are the entries of its access control list,
    as getfacl(1) prints them: "user:ada:rw-"; empty where they cannot be read. `accessible` is
    whether the process that looked may read and write it.
    """

    path: str
    mode: str
    owner: str
    group: str
    acl: tuple[str, ...] = ()
    accessible: bool = False


@dataclass(frozen=True)
class DeviceAccess:
    """What a process may do with the GPU's devices.

    `process` is that process in words, `process_groups` its groups, empty where it could not be
    started. `account_groups` are those that the user database has its user in, `manager_groups`
    those of the user's service manager, None where none runs. `driver_loaded` is about amdgpu,
    `modules_installed` about the modules of the running kernel.

    Of a unit alone: `hidden_devices` are there but not for the unit's process, `gpu_environment`
    are NAME=VALUE of its environment that choose among GPUs, `sandboxing` are NAME=VALUE of the
    unit that keep devices from it.
    """

    devices: tuple[Device, ...] = ()
    missing_devices: tuple[str, ...] = ()
    process_groups: tuple[str, ...] = ()
    account_groups: tuple[str, ...] = ()
    manager_groups: tuple[str, ...] | None = None
    driver_loaded: bool = True
    modules_installed: bool = True
    hidden_devices: tuple[str, ...] = ()
    gpu_environment: tuple[str, ...] = ()
    sandboxing: tuple[str, ...] = ()
    process: str = "the running user manager"

    to_json = asdict  # for `pyinfra … fact`


def without_kfd(access: DeviceAccess) -> DeviceAccess:
    """The same without KFD's device, which Vulkan does not need."""
    return replace(
        access,
        devices=tuple(device for device in access.devices if device.path != KFD),
        missing_devices=tuple(path for path in access.missing_devices if path != KFD),
        hidden_devices=tuple(path for path in access.hidden_devices if path != KFD),
    )


@dataclass(frozen=True)
class ManagerActivity:
    """What a user and their service manager are doing.

    `sessions` are pairs of type and seat, as loginctl(1) has them, the seat empty where there is
    none. `units` are pairs of unit and program for each process in the manager; the program is
    empty for a transient unit, which is nowhere but in the manager.
    """

    sessions: tuple[tuple[str, str], ...] = ()
    units: tuple[tuple[str, str], ...] = ()

    to_json = asdict  # for `pyinfra … fact`


def parse_device_access(lines: Iterable[str], process: str = DeviceAccess.process) -> DeviceAccess:
    """Read what device-access.sh and unit-device-access.sh print: lines of a key and a value.

    Raises ValueError, KeyError or IndexError for other lines, and where some are missing.
    """
    devices: list[dict[str, str]] = []
    acls: list[list[str]] = []
    values: dict[str, list[str]] = {key: [] for key in _KEYS}
    for line in lines:
        key, _, value = line.partition(" ")
        if key == "device":
            devices.append({"path": value})
            acls.append([])
        elif key == "acl":
            acls[-1].append(_checked_entry(value))
        elif key in _DEVICE_KEYS:
            devices[-1][key] = value
        else:
            values[key].append(value)
    return DeviceAccess(
        devices=tuple(_device(fields, acl) for fields, acl in zip(devices, acls, strict=True)),
        missing_devices=tuple(values["missing"]),
        process_groups=_names(values["process-group"]),
        account_groups=_names(values["account-group"]),
        manager_groups=_names(values["manager-group"]) if values["manager"] else None,
        driver_loaded="amdgpu" not in values["not-loaded"],
        modules_installed=not values["not-installed"],
        hidden_devices=tuple(values["hidden"]),
        gpu_environment=tuple(values["environment"]),
        sandboxing=tuple(values["sandboxing"]),
        process=process,
    )


_DEVICE_KEYS = ("mode", "owner", "group", "accessible")
_KEYS = (
    "missing", "process-group", "account-group", "manager", "manager-group", "not-loaded",
    "not-installed", "hidden", "environment", "sandboxing",
)  # fmt: skip


def _device(fields: dict[str, str], acl: Sequence[str]) -> Device:
    accessible = fields["accessible"] == "yes"
    return Device(
        fields["path"], fields["mode"], fields["owner"], fields["group"], tuple(acl), accessible
    )


def _names(values: Iterable[str]) -> tuple[str, ...]:
    """Each name once; a group that has none counts for nothing here."""
    return tuple(name for name in dict.fromkeys(values) if name)


def _checked_entry(line: str) -> str:
    _parse_entry(line)
    return line


def _parse_entry(line: str) -> tuple[str, str, str]:
    """The tag, the name and the permissions of a line of getfacl's, such as "user:ada:rw-"."""
    found = ACL_ENTRY.fullmatch(line)
    if not found:
        raise ValueError(f"not an ACL entry: {line!r}")
    # getfacl writes a space as \040, and a backslash as two or as \134.
    name = re.sub(
        r"\\(\\|[0-7]{3})",
        lambda escape: "\\" if escape[1] == "\\" else chr(int(escape[1], 8)),
        found[2],
    )
    return found[1], name, found[3]


def _entries(device: Device) -> list[tuple[str, str, bool]]:
    """The tag and name of each entry of a device's ACL, and whether it grants read and write.

    The mask limits named users and all groups. Without an ACL the mode says the same of the owner,
    the group and the others.
    """
    mode = device.mode
    entries = [_parse_entry(line) for line in device.acl] or [
        ("user", "", mode[1:4]),
        ("group", "", mode[4:7]),
        ("other", "", mode[7:10]),
    ]
    mask = next((set(granted) for tag, _, granted in entries if tag == "mask"), READ_WRITE)
    owners = {"user": device.owner, "group": device.group}
    return [
        (
            tag,
            name or owners.get(tag, ""),
            set(granted) & (mask if name or tag == "group" else READ_WRITE) >= READ_WRITE,
        )
        for tag, name, granted in entries
    ]


def may_open(device: Device, user: str, groups: Iterable[str]) -> bool:
    """Whether a process of this user that has these groups may read and write a device.

    This is the access check of acl(5): what there is for the user decides, otherwise what there is
    for any of the groups, otherwise what there is for all others. The owner's entry comes first.
    """
    entries, groups = _entries(device), set(groups)
    of_user = [granted for tag, name, granted in entries if tag == "user" and name == user]
    if of_user:
        return of_user[0]
    of_groups = [granted for tag, name, granted in entries if tag == "group" and name in groups]
    if of_groups:
        return any(of_groups)
    return any(granted for tag, _, granted in entries if tag == "other")


def groups_with_access(device: Device) -> list[str]:
    """The groups whose members may read and write a device; root's is for nobody to join."""
    granted = (name for tag, name, granted in _entries(device) if tag == "group" and granted)
    return [name for name in dict.fromkeys(granted) if name != "root"]


def devices_to_grant(
    access: DeviceAccess, user: str, groups: Sequence[str], manager_groups: Sequence[str]
) -> list[str]:
    """Paths of the devices that `groups` open to the user, but not yet to all that is to use them.

    That is the shell of the connection, whose `access` is given, and the service manager. Without
    the driver, which makes /dev/kfd, there is nothing to use.
    """
    if KFD in access.missing_devices:
        return []
    return [
        device.path
        for device in access.devices
        if may_open(device, user, groups)
        and not (device.accessible and may_open(device, user, manager_groups))
    ]


def parse_manager_activity(lines: Iterable[str]) -> ManagerActivity:
    """Read what manager-activity.sh prints; ValueError for any other line.

    `session TYPE SEAT`; `process CGROUP PROGRAM`, with the control group below the manager's;
    `transient UNIT`.
    """
    words = [(*line.split(maxsplit=2), "", "")[:3] for line in lines]
    for key, *_ in words:
        if key not in ("session", "process", "transient"):
            raise ValueError(f"neither a session nor a process: {key!r}")
    return ManagerActivity(
        tuple((kind, seat) for key, kind, seat in words if key == "session"),
        tuple((_unit(group), program) for key, group, program in words if key != "session"),
    )


def _unit(group: str) -> str:
    """The unit that a control group belongs to: "app.slice/x.service/payload" is x.service's."""
    return next((part for part in group.split("/") if not part.endswith(".slice")), group)


def restart_blocker(user: str, activity: ManagerActivity) -> str | None:
    """Why the user's service manager may not be restarted; None if that ends nothing of theirs.

    A login without a seat, as over SSH, is no part of the manager, and survives.
    """
    for kind, seat in activity.sessions:
        if seat or kind in GRAPHICAL:
            return f"{user} is logged in at {seat or 'a desktop'}"
    in_use = [unit for unit, program in activity.units if (unit, program) not in IDLE]
    units = list(dict.fromkeys(in_use))
    if len(units) > 1:
        return f"{units[0]} and {len(units) - 1} more run there"
    if units:
        return f"{units[0]} runs there"
    if not activity.units:
        return "what runs there cannot be seen"
    return None
