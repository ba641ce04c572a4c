"""The user's service manager, without anybody logged in."""

from collections.abc import Generator, Sequence

from pyinfra import host, logger
from pyinfra.api import QuoteString, StringCommand

from core.access import Rights, closed, why_not_restart
from facts.access import InEffect, ManagerUse
from facts.machine import Groups, Lingering
from operations.connection import operation


@operation()
def join(user: str, groups: Sequence[str]) -> Generator[StringCommand]:
    """Add a user to groups that are there; nothing else of the user is touched.

    + user: name of the user
    + groups: names of the groups
    """
    missing = [group for group in groups if group not in host.get_fact(Groups, user=user)]
    if not missing:
        host.noop(f"{user} is in {' and '.join(groups)}")
        return
    yield StringCommand("usermod -aG", ",".join(missing), QuoteString(user))


@operation()
def linger(user: str, uid: int) -> Generator[StringCommand]:
    """Let the user's services run from boot on, and wait until the user's manager answers.

    + user: name of the user
    + uid: their numeric id
    """
    if host.get_fact(Lingering, user=user):
        host.noop(f"{user} lingers already")
        return
    yield StringCommand("loginctl enable-linger", QuoteString(user))
    yield StringCommand(
        f"timeout 30 sh -c 'until [ -S /run/user/{uid}/systemd/private ]; do sleep 0.1; done'"
    )


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
    now = _in_effect(uid)
    held = groups if now.groups is None else now.groups
    missing = [group for group in groups if group not in held]
    obstacle = why_not_restart(user, host.get_fact(ManagerUse, uid=uid)) if missing else ""
    if missing and not obstacle:
        yield StringCommand(f"systemctl restart user@{uid}.service")
        held = groups
    shut = closed(now.devices, user, groups, held)
    if shut:
        # systemd on Arch depends on acl, which has setfacl. It fails where the kernel keeps no ACLs
        # for /dev: then the operator is told, and the stages that use the GPU have the last word.
        entry = QuoteString(f"u:{user}:rw")
        yield StringCommand("setfacl -m", entry, *map(QuoteString, shut), "|| true")
        if host.state.is_executing:
            done = not closed(_in_effect(uid).devices, user, groups, held)
            _tell(done, user, shut, _shortfall(user, groups, missing, obstacle))
    elif obstacle:
        host.noop(f"{' and '.join(missing)} count from the next boot on")
    elif not missing:
        host.noop(f"{' and '.join(groups)} count")


def _in_effect(uid: int) -> Rights:
    # Without sudo: it also asks what the shell of the connection may do.
    rights: Rights = host.get_fact(InEffect, uid=uid, _sudo=False)
    return rights


def _shortfall(user: str, groups: Sequence[str], missing: Sequence[str], obstacle: str) -> str:
    if not obstacle:
        return f"this connection is from before {user} joined {' and '.join(groups)}"
    lacks = f"{user}'s service manager lacks {' and '.join(missing)}"
    return f"{lacks} and was not restarted, as {obstacle}"


def _tell(done: bool, user: str, devices: Sequence[str], shortfall: str) -> None:
    paths = " and ".join(devices)
    outcome = (
        f"until the next boot {user} may use {paths} all the same; a reboot makes that permanent"
        if done
        else f"setfacl could not open {paths} to {user}; reboot, then run again"
    )
    host.log_styled(f"{shortfall}; {outcome}", fg="yellow", log_func=logger.warning)
