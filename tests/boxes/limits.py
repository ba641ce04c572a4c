"""What the kernel allows one machine, which many boxes at once may exceed."""

from __future__ import annotations

from pathlib import Path

from .shell import BoxError

INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
# Of inotify, for root: what a box's systemd, journald, logind, dbus and udev have, and the rest of
# the machine. 128, which Debian allows, were used up by the 24th box.
OF_A_BOX, OF_OTHERS = 5, 10


def check(boxes: int) -> None:
    """Refuse as many boxes at once as cannot come up."""
    problem = too_many(boxes, int(INSTANCES.read_text()))
    if problem:
        raise BoxError(problem)


def too_many(boxes: int, allowed: int) -> str | None:
    """Why so many boxes cannot come up, and what mends it, in a line; None if they can."""
    needed = boxes * OF_A_BOX + OF_OTHERS
    if needed <= allowed:
        return None
    return (
        f"{boxes} boxes need about {needed} instances of inotify, and the kernel allows {allowed}: "
        f"run sysctl fs.inotify.max_user_instances={2 * needed}"
    )
