"""The user's service manager, without anybody logged in."""

from collections.abc import Generator, Sequence

from pyinfra import host, logger
from pyinfra.api import QuoteString, StringCommand

from facts.machine import Groups, Lingering, ManagerGroups
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
def warn_of_missing_groups(uid: int, groups: Sequence[str]) -> Generator[StringCommand]:
    """Say when the user's running service manager lacks one of `groups`; change nothing.

    + uid: numeric id of the user
    + groups: names of the groups that the services need
    """
    present = host.get_fact(ManagerGroups, uid=uid)
    missing = [group for group in groups if present is not None and group not in present]
    if missing and host.state.is_executing:
        host.log_styled(
            f"the user's service manager started before it could have {' and '.join(missing)}; "
            "services get them after a reboot",
            fg="yellow",
            log_func=logger.warning,
        )
    host.noop("groups in effect" if not missing else "groups take effect at the next boot")
    yield from ()
