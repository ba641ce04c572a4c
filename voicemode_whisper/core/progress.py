"""How progress looks on a terminal."""

import re
from collections.abc import Sequence

BAR_WIDTH = 20
# ninja's [3/40], git's (3/40), a download's 3/40 MB; not what stands in paths, dates and versions.
_COUNT = re.compile(r"(?<![\w./-])(\d+)/(\d+)(?![\w./-])")


def count(line: str) -> tuple[int, int] | None:
    """What is done and the total that a line speaks of, None where it names none."""
    found = _COUNT.search(line)
    if not found:
        return None
    done, total = map(int, found.groups())
    return (done, total) if 0 < total >= done else None


def bar(done: int, total: int, width: int) -> str:
    """A bar of `width` cells."""
    full = width * done // total
    return "█" * full + "░" * (width - full)


def status(prefix: str, line: str, width: int) -> str:
    """A line in at most `width` cells, with a bar before it where it says how far things are."""
    counted = count(line)
    if counted:
        done, total = counted
        share = f"{100 * done // total:3}%"
        prefix += f"{bar(done, total, min(BAR_WIDTH, width // 4))} {share} "
    return (prefix + line)[:width]


def redrawn(lines: Sequence[str], over: int) -> str:
    """What a terminal must be sent to show `lines` over the `over` lines above its cursor."""
    up = f"\033[{over}A" if over else ""
    return f"{up}\r\033[J" + "".join(f"{line}\n" for line in lines)
