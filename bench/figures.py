"""The figures, their goals, and how they follow from what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from .contenders import GUIDE, NGINX, OURS, STRAIGHT, UNLIMITED


@dataclass(frozen=True)
class Figure:
    """A row of the table.

    goal: the most that this proxy may have, in `unit`; of_nginx: the most, or the least where more
    is better, as a ratio to nginx in the same run. None where it only has to be no worse than the
    guide's proxy, which it always has to be.
    """

    name: str
    unit: str
    goal: float | None = None
    of_nginx: float | None = None
    more_is_better: bool = False


@dataclass(frozen=True)
class Row:
    """A figure's values by contender, in its unit; who refused, or is not there, has none."""

    figure: Figure
    values: Mapping[str, float]


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile, interpolated, of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def added(figure: Figure, percent: int, latencies: Mapping[str, Sequence[float]]) -> Row:
    """Return the milliseconds that each contender adds, from latencies in seconds.

    What is straight to the upstream has its own latency, to which they are added.
    """
    milliseconds = {name: 1000 * percentile(taken, percent) for name, taken in latencies.items()}
    base = milliseconds.pop(STRAIGHT)
    return Row(figure, {STRAIGHT: base} | {name: x - base for name, x in milliseconds.items()})


def baseline(row: Row) -> float | None:
    """Return the guide's value: without its limit where it refuses."""
    return row.values.get(GUIDE, row.values.get(UNLIMITED))


def ratio(row: Row) -> float | None:
    """Return this proxy's value as a ratio to nginx's, None if one of them has none."""
    ours, nginx = row.values.get(OURS), row.values.get(NGINX)
    return ours / nginx if ours is not None and nginx else None


def goal(figure: Figure) -> str:
    """Return a figure's goal as it is shown."""
    if figure.of_nginx is not None:
        return f"{'≥' if figure.more_is_better else '≤'} {figure.of_nginx:g} x nginx"
    return f"≤ {figure.goal:g} {figure.unit}" if figure.goal else "the guide's"


def _near_nginx(row: Row) -> bool:
    found, limit = ratio(row), row.figure.of_nginx
    if limit is None or found is None:  # where there is no nginx, nothing can be told
        return True
    return found >= limit if row.figure.more_is_better else found <= limit


def met(row: Row) -> bool:
    """Return whether this proxy keeps to the goal and is not behind the guide's."""
    ours, guides = row.values.get(OURS), baseline(row)
    if ours is None or (row.figure.goal is not None and ours > row.figure.goal):
        return False
    if not _near_nginx(row):
        return False
    if guides is None:
        return True
    return ours >= guides if row.figure.more_is_better else ours <= guides
