"""How much one machine can do, and how much several: the tables of docs/scaling.md.

By queueing theory, from what others published of cards (docs/scaling.md names them); the last table
holds it against the proxy's own queue in virtual time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from whisper_proxy.inference_cost import Line

from . import table
from .queueing import DICTATIONS, HOUR, NOISE, Case, simulated
from .waiting import Load, Service, percentile_wait, rate_for, rate_of_files

FILE = 600.0  # seconds of audio of a long file
GOOD, LONG = 1.0, 5.0  # seconds that one request in twenty waits
BESIDE = 120.0  # dictations an hour beside long files
MAX_WAIT = 45.0  # the proxy's default
ARRIVALS, FILES = 50_000, 10_000  # dictations in a simulation, and long files where there are any

# Which seconds of speech take as long to decode as a window to encode. Of small.en by the guide's
# run: 93 ms of 480 ms for 11 s. Of large-v3-turbo, whose decoder has 4 layers of 32, by two runs
# with Vulkan on a Radeon 8060S: 0.84 s for 11 s, and 15 s for 297 s, the latter quantized.
# base.en is taken as small.en.
SMALL, TURBO = 2.6, 12.8


@dataclass(frozen=True)
class Card:
    """What somebody's card takes, in seconds, for so many seconds of speech."""

    name: str
    model: str
    took: float
    seconds: float
    encoding: float

    @property
    def line(self) -> Line:
        """What it takes by length."""
        factor = self.took / (self.encoding + self.seconds)
        return Line(self.encoding * factor, factor)


GUIDE = Card("RX 7800 XT, HIP", "small.en", 0.480, 11, SMALL)
CARDS = (
    Card("Radeon 8060S, HIP", "base.en", 0.30, 11, SMALL),
    GUIDE,
    Card("RX 7900 XTX, Vulkan", "small", 0.371, 7.3, SMALL),
    Card("Radeon 8060S, HIP", "large-v3-turbo", 0.63, 11, TURBO),
    Card("Radeon 8060S, Vulkan", "large-v3-turbo", 0.84, 11, TURBO),
    Card("Radeon 780M, Vulkan", "large-v3-turbo", 1.134, 11, TURBO),
    Card("RX 5500 XT, Vulkan", "large-v3-turbo-q5", 3.0, 11, TURBO),
    Card("Ryzen 7 7840U, CPU", "large-v3-turbo", 20.853, 11, TURBO),
)
POOLS = (1, 2, 3, 4, 8)
# Members, and how many clients send one long file after another beside dictations.
FILES_AT_A_TIME = ((1, 1), (2, 1), (2, 2), (3, 2))
# Speeds of the members, and the share of what they can do that comes.
CHECKS = (
    ((1.0,), 0.5),
    ((1.0,), 0.7),
    ((1.0,), 0.9),
    ((1.0,) * 2, 0.7),
    ((1.0,) * 4, 0.8),
    ((1.0,) * 8, 0.9),
    ((1.0, 2.0, 4.0), 0.5),
    ((1.0, 2.0, 4.0), 0.8),
)
CHECKS_BESIDE = (BESIDE, 300.0)  # dictations an hour beside long files


def dictation(line: Line) -> Service:
    """Return what a dictation takes."""
    return Service.of(line, DICTATIONS, NOISE)


def dictations() -> str:
    """Return the table of how many dictations an hour a card can do."""
    header = ("", "model", "11 s take", "p95 waits 1 s", "5 s", "never more than")
    return table.aligned([header, *map(_dictations, CARDS)])


def _dictations(card: Card) -> tuple[str, ...]:
    service = dictation(card.line)
    rates = (rate_for(95, GOOD, service), rate_for(95, LONG, service), 1 / service.mean)
    eleven = table.number(card.line.cost(11), "s")
    return (card.name, card.model, eleven, *map(_hourly, rates))


def files() -> str:
    """Return the table of what long files take, and how many dictations bear."""
    header = ("", "model", "10 minutes take", "an hour takes", "files an hour", "beside dictations")
    return table.aligned([header, *map(_files, CARDS)])


def _files(card: Card) -> tuple[str, ...]:
    took, hour = card.line.cost(FILE), card.line.cost(HOUR)
    busy = BESIDE / HOUR * dictation(card.line).mean
    beside = _hourly(rate_of_files(95, LONG, took, busy))
    times = (table.number(took, "s"), table.number(hour, "s"))
    return (card.name, card.model, *times, _hourly(1 / took), beside)


def pools() -> str:
    """Return the table of how many dictations an hour several machines can do."""
    header = ("members", "p95 waits 1 s", "busy", "with one gone", "never more than")
    return table.aligned([header, *map(_pool, POOLS)])


def _pool(members: int) -> tuple[str, ...]:
    service = dictation(GUIDE.line)
    rate, left = (rate_for(95, GOOD, service, count) for count in (members, members - 1))
    most = members / service.mean
    return (
        str(members),
        _hourly(rate),
        f"{100 * rate / most:.0f} %",
        _hourly(left),
        _hourly(most),
    )


def files_at_a_time() -> str:
    """Return the table of what dictations wait in a pool that has long files to do, simulated."""
    header = ("members", "files at a time", "mean", "p95", "refused")
    return table.aligned([header, *(_files_at_a_time(*one) for one in FILES_AT_A_TIME)])


def _files_at_a_time(members: int, clients: int) -> tuple[str, ...]:
    loads = (replace(DICTATIONS, every=HOUR / BESIDE),)
    case = Case("pool", clients, FILE, MAX_WAIT, loads, GUIDE.line, (1.0,) * members)
    return (str(members), str(clients), *simulated(case).dictations.cells(95))


def check() -> str:
    """Return the table that holds the formulas against the proxy's own queue."""
    found = (*(alone(*one) for one in CHECKS), *map(beside, CHECKS_BESIDE))
    header = ("p95 of what dictations wait", "formula", "simulated", "off by")
    return table.aligned([header, *map(_compared, found)])


@dataclass(frozen=True)
class Compared:
    """A p95 in seconds, by a formula and in the simulation."""

    name: str
    formula: float
    simulated: float

    @property
    def off(self) -> float:
        """By which share the formula is too high."""
        return self.formula / self.simulated - 1


def alone(speeds: Sequence[float], busy: float, arrivals: int = ARRIVALS) -> Compared:
    """Compare what dictations wait for members of these speeds."""
    service = dictation(equal(speeds))
    rate = busy * len(speeds) / service.mean
    formula = percentile_wait(95, rate, service, len(speeds))
    load = replace(DICTATIONS, every=1 / rate)
    case = Case("dictations", 0, 0, MAX_WAIT, (load,), GUIDE.line, speeds)
    found = simulated(case, arrivals / rate).dictations
    return Compared(f"{_named(speeds)}, {100 * busy:.0f} % busy", formula, found.percentile(95))


def beside(hourly: float, files: int = FILES) -> Compared:
    """Compare what dictations wait beside as many long files as let one in twenty wait 5 s."""
    busy = hourly / HOUR * dictation(GUIDE.line).mean
    rate = rate_of_files(95, LONG, GUIDE.line.cost(FILE), busy)
    loads = (replace(DICTATIONS, every=HOUR / hourly), Load(1 / rate, FILE, FILE))
    case = Case("dictations and files", 0, 0, MAX_WAIT, loads, GUIDE.line)
    found = simulated(case, files / rate).dictations
    name = f"{hourly:g} an hour beside {_hourly(rate)} files"
    return Compared(name, LONG, found.percentile(95))


def _compared(found: Compared) -> tuple[str, ...]:
    values = (table.number(value, "s") for value in (found.formula, found.simulated))
    return (found.name, *values, f"{100 * found.off:+.0f} %")


def equal(speeds: Sequence[float]) -> Line:
    """Return what each of as many equal members takes that can do as much as these together."""
    speed = sum(speeds) / len(speeds)
    return Line(GUIDE.line.fixed / speed, GUIDE.line.factor / speed)


def _named(speeds: Sequence[float]) -> str:
    if len(set(speeds)) > 1:
        return "members of speed " + ":".join(f"{speed:g}" for speed in speeds)
    return "1 member" if len(speeds) == 1 else f"{len(speeds)} members"


def _hourly(rate: float) -> str:
    """Return a rate an hour, to two digits, or to whole ones."""
    hourly = HOUR * rate
    digits = 0 if hourly < 100 else 1 - math.floor(math.log10(hourly))
    return f"{round(hourly, digits):.0f}"


def main() -> None:
    """Print the tables."""
    for report in (dictations, files, pools, files_at_a_time, check):
        print(report(), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
