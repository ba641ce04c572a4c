"""The user's service manager, without anybody logged in."""

from collections.abc import Generator, Sequence

from pyinfra import host, logger
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.device_access import DeviceAccess, devices_to_grant, restart_blocker
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.device_access import ConnectionDeviceAccess, UserManagerActivity
from voicemode_whisper.facts.machine import Groups, Lingering
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.scripts import script


@operation()
def join(user: str, groups: Sequence[str]) -> Generator[StringCommand]:
    """Add a user to groups that are there; nothing else of the user is touched.

    + user: name of the user
    + groups: names of the groups
    """
    joined = read_fact(host, Groups, user=user)
    missing = [group for group in groups if group not in joined]
    if not missing:
        host.noop(f"{user} is in {' and '.join(groups)}")
        return
    # usermod knows those in /etc/passwd alone, and no user of a domain.
    for group in missing:
        yield StringCommand("gpasswd -a", QuoteString(user), group)


@operation()
def linger(user: str, uid: int, at_boot: bool = True) -> Generator[StringCommand]:
    """Let the user's services run from boot on, and have the user's manager run now.

    Where their home is not there at boot, a manager that begins then finds no services, and does
    not look again: without linger it begins at login, when they are there.

    + user: name of the user
    + uid: their numeric id
    + at_boot: whether the user's home is there when the machine has started
    """
    lingers = read_fact(host, Lingering, user=user, uid=uid)
    if lingers == at_boot:
        host.noop(f"{user} lingers already" if lingers else f"{user}'s home is mounted at login")
        return
    if not at_boot:
        yield StringCommand("loginctl disable-linger", QuoteString(user))
        return
    yield StringCommand("loginctl enable-linger", QuoteString(user))
    yield script("start-manager", str(uid))


@operation()
def take_effect(user: str, uid: int, groups: Sequence[str]) -> Generator[StringCommand]:
    """Have groups that the user has joined count for what runs already, and end nothing of theirs.

    The user's service manager is restarted where nobody uses it. Where somebody does, and for the
    shell of this connection, the user gets what the groups may do with the GPU's devices. That
    lasts until the next boot, after which the groups count everywhere.

    + user: name of the user
    + uid: their numeric id
    + groups: names of the groups, which the user is in
    """
    access = _device_access(user)
    manager_groups = groups if access.manager_groups is None else access.manager_groups
    missing = [group for group in groups if group not in manager_groups]
    blocker = _restart_blocker(user, uid) if missing else None
    if missing and not blocker:
        yield StringCommand(f"systemctl restart user@{uid}.service")
        manager_groups = groups
    devices = devices_to_grant(access, user, groups, manager_groups)
    if devices:
        # systemd on Arch depends on acl, which has setfacl. It fails where the kernel keeps no ACLs
        # for /dev: then the operator is told, and the stages that use the GPU have the last word.
        entry = QuoteString(f"u:{user}:rw")
        yield StringCommand("setfacl -m", entry, *map(QuoteString, devices), "|| true")
        if host.state.is_executing:
            granted = not devices_to_grant(_device_access(user), user, groups, manager_groups)
            _report(granted, user, devices, _shortfall(user, groups, missing, blocker))
    elif blocker:
        host.noop(f"{' and '.join(missing)} count from the next boot on")
    elif not missing:
        host.noop(f"{' and '.join(groups)} count")


def _device_access(user: str) -> DeviceAccess:
    # Without sudo: it is about the shell of the connection.
    return read_fact(host, ConnectionDeviceAccess, user=user, _sudo=False)


def _restart_blocker(user: str, uid: int) -> str | None:
    return restart_blocker(user, read_fact(host, UserManagerActivity, uid=uid))


def _shortfall(
    user: str, groups: Sequence[str], missing: Sequence[str], blocker: str | None
) -> str:
    if not blocker:
        return f"this connection is from before {user} joined {' and '.join(groups)}"
    lacks = f"{user}'s service manager lacks {' and '.join(missing)}"
    return f"{lacks} and was not restarted, as {blocker}"


def _report(granted: bool, user: str, devices: Sequence[str], shortfall: str) -> None:
    paths = " and ".join(devices)
    outcome = (
        f"until the next boot {user} may use {paths} all the same; a reboot makes that permanent"
        if granted
        else f"setfacl could not open {paths} to {user}; reboot, then run again"
    )
    host.log_styled(f"{shortfall}; {outcome}", fg="yellow", log_func=logger.warning)
