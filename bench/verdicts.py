"""What a run over many machines may cost, and whether it keeps to that."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from .table import aligned, number

# Of a no-op of 25 machines on 2 cores.
SECONDS, CPU_SECONDS = 12.0, 3.0
OF_ONE, OF_ANSIBLE = 2.5, 1 / 3


@dataclass(frozen=True)
class Spent:
    """What a command took, in seconds: by the clock; of processors, its own and its children's; and
    of processors all that this machine did meanwhile, the test boxes too.
    """

    wall: float
    cpu: float
    busy: float


def typical(runs: Sequence[Spent]) -> Spent:
    """The median of several runs, each figure for itself."""
    return Spent(
        median(run.wall for run in runs),
        median(run.cpu for run in runs),
        median(run.busy for run in runs),
    )


@dataclass(frozen=True)
class Measured:
    """What was measured of `count` machines, and of one."""

    count: int
    first: Spent
    no_op: Spent
    doctor: Spent
    first_one: Spent
    one: Spent
    one_doctor: Spent
    ansible: Spent


def table(measured: Measured) -> str:
    """A row for each figure, with its goal where it has one."""
    no_op, one, ansible = measured.no_op, measured.one, measured.ansible
    doctor, one_doctor = measured.doctor, measured.one_doctor
    header = ("", "one machine", f"{measured.count} machines", "Ansible", "goal", "")
    first, first_one = measured.first, measured.first_one
    rows = (
        _row("first deploy", (first_one.wall, first.wall, None), "s"),
        _row("no-op", (one.wall, no_op.wall, ansible.wall), "s", SECONDS),
        _row("no-op, ratio to Ansible's", (None, no_op.wall / ansible.wall, None), "", OF_ANSIBLE),
        _row("no-op, ratio to one machine's", (None, no_op.wall / one.wall, None), "", OF_ONE),
        _row("no-op, CPU here", (one.cpu, no_op.cpu, ansible.cpu), "s", CPU_SECONDS),
        _row("no-op, CPU of all", (one.busy, no_op.busy, ansible.busy), "s"),
        _row("doctor", (one_doctor.wall, doctor.wall, None), "s"),
        _row("doctor, CPU here", (one_doctor.cpu, doctor.cpu, None), "s"),
    )
    return aligned([header, *rows])


def _row(
    name: str,
    values: tuple[float | None, float, float | None],
    unit: str,
    goal: float | None = None,
) -> tuple[str, ...]:
    """A figure of one machine, of many and of Ansible; the goal is that of many."""
    cells = ["" if value is None else number(value, unit) for value in values]
    if goal is None:
        return (name, *cells, "", "")
    return (name, *cells, f"≤ {number(goal, unit)}", "met" if values[1] <= goal else "missed")


def recap(said: str) -> dict[str, dict[str, int]]:
    """What Ansible says of each host at its end: its counts by their names."""
    _, _, lines = said.partition("PLAY RECAP")
    counts: dict[str, dict[str, int]] = {}
    for line in lines.splitlines()[1:]:
        host, colon, rest = line.partition(":")
        if colon:
            pairs = (word.split("=") for word in rest.split())
            counts[host.strip()] = {name: int(value) for name, value in pairs}
    return counts
