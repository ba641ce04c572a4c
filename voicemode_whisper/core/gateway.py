"""A pool's gateway: which setup of the pool serves there, and what it takes for another to do so.

A setup is HAProxy's configuration, the proxy's code, virtual environment and environment file, and
the units of both, in a directory that is named after all of that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import BALANCER_UNIT, POOL_SOCKET, POOL_UNIT, POOL_UNITS
from voicemode_whisper.core.pool import Member, Pool
from voicemode_whisper.core.services import UnitState, parse_unit
from voicemode_whisper.core.settings import Settings


@dataclass(frozen=True)
class PoolState:
    """The pool's services on a gateway.

    `current` is the setup that serves, empty where there is none, `setups` the parts of all that
    are there, the newest first: a proxy and a virtual environment each. `parts` are those that are
    there, of setups or of none. `differing` are units that are not the current setup's. `program`
    is the file that the proxy's process should be, `loaded` the revision of the configuration that
    HAProxy has read, empty where it does not answer.
    """

    current: str = ""
    setups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    program: str = ""
    loaded: str = ""
    units: Mapping[str, UnitState] = field(default_factory=dict)

    to_json = asdict  # for `pyinfra … fact`

    def unit(self, name: str) -> UnitState:
        """State of a unit; that of one which is not there does nothing."""
        return self.units.get(name, UnitState())

    @property
    def before(self) -> str:
        """The setup that served before the current one; empty where none is kept."""
        return next((name for name in self.setups if name != self.current), "")

    @property
    def surplus(self) -> list[str]:
        """What neither the setup that serves nor the one before it needs."""
        kept = [self.current, self.before]
        needed = {part for name in kept for part in self.setups.get(name, ())}
        setups = [name for name in self.setups if name not in kept]
        return [*setups, *(part for part in self.parts if part not in needed)]


def parse_pool_state(lines: Iterable[str]) -> PoolState:
    """Read what pool-state.sh prints."""
    said: dict[str, list[str]] = {
        key: [] for key in ("current", "setup", "part", "differs", "program", "loaded")
    }
    units: dict[str, list[str]] = {}
    for line in lines:
        word, _, text = line.partition(" ")
        if word == "unit":
            units[text] = []
        elif units:
            units[next(reversed(units))].append(line)
        else:
            said[word].append(text)
    return PoolState(
        current="".join(said["current"]),
        setups={name: tuple(parts) for name, *parts in map(str.split, said["setup"])},
        parts=tuple(said["part"]),
        differing=tuple(said["differs"]),
        program="".join(said["program"]),
        loaded="".join(said["loaded"]),
        units={name: parse_unit(properties) for name, properties in units.items()},
    )


@dataclass(frozen=True)
class PoolSetup:
    """A setup as it is to serve.

    `name` is its directory's, `address` where the proxy listens, as ADDRESS:PORT. The revisions are
    those of HAProxy's configuration and of the proxy's process; `files` are its texts by path.
    """

    name: str
    address: str
    balancer_revision: str
    proxy_revision: str
    files: Mapping[str, str] = field(repr=False)


def plan_pool(setup: PoolSetup, state: PoolState) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is to be restarted so that a setup serves, and why anything is to be done at all.

    Of "balancer", "socket" and "proxy"; no reasons where it serves already.
    """
    balancer, socket, proxy = (state.unit(name) for name in (BALANCER_UNIT, POOL_SOCKET, POOL_UNIT))
    is_there = state.current == setup.name
    fine = {
        "balancer": balancer.active == "active" and state.loaded == setup.balancer_revision,
        "socket": socket.active == "active" and socket.listen == setup.address,
        "proxy": (proxy.active, proxy.revision) == ("active", setup.proxy_revision)
        and proxy.program == state.program,
    }
    # Whoever has another socket restarts with it.
    fine["proxy"] = fine["proxy"] and fine["socket"]
    needed = tuple(name for name, is_fine in fine.items() if not is_fine)
    reasons = (
        *(() if is_there else (f"{setup.name} is not current",)),
        *(f"{unit} is another" for unit in state.differing),
        *(f"{unit} is not enabled" for unit in POOL_UNITS if state.unit(unit).enabled != "enabled"),
        *(f"{unit} is to be reloaded" for unit in POOL_UNITS if state.unit(unit).stale_definition),
        *(f"the {name} is to be restarted" for name in needed),
    )
    return needed, reasons


@dataclass(frozen=True)
class PoolSpec:
    """What a gateway is to have: the pool, and the proxy's code and lock file.

    `proxy` is the version of the code, `lock_sha256` that of its lock file.
    """

    pool: Pool
    settings: Settings
    proxy: str
    lock_sha256: str


def check_members(members: Sequence[Member], found: Mapping[str, str]) -> None:
    """Refuse members whose names a gateway does not know.

    `found` are the addresses of those that it knows, by name.
    """
    unknown = [one for one in members if one.address not in found]
    if unknown:
        raise UserError(
            *(
                f"pool: the gateway does not know the name {one.address!r} of {one.name}; "
                "set pool_address of that machine to one that it knows, or to its IP address"
                for one in unknown
            )
        )


def describe_pool(members: Sequence[Member]) -> str:
    """For people: "a pool of 3: one.lan, two.lan and three.lan"."""
    names = [one.name for one in members]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"a pool of {len(names)}: {listed}"
