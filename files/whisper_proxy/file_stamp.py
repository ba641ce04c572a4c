"""Whether a file has changed, without reading it."""

import os
import time

# A file that has just been written may be written again without a new time: the kernel's clock for
# files ticks every 1 to 10 ms.
SETTLED_NS = 100_000_000

Stamp = tuple[int, ...]
# That of no file: what is seen with it is looked at again.
UNKNOWN: Stamp = (-1,)


def file_stamp(path: str | os.PathLike[str]) -> Stamp:
    """Return what changes with a file, its mode last; only zeros if it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0, 0, 0)
    return status.st_ctime_ns, status.st_mtime_ns, status.st_ino, status.st_mode


def is_settled(stamp: Stamp) -> bool:
    """Return whether a file that is written again is certain to get another stamp."""
    return time.time_ns() - max(stamp[:2]) > SETTLED_NS
