"""Whether the services run a generation, and what is to be restarted so that they do."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from voicemode_whisper.core.generations import Generation
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, WYOMING_UNIT

# How the status of a proxy begins that has stopped whisper-server for want of requests:
# whisper_proxy/idle.py.
IDLE = "whisper-server is idle"


@dataclass(frozen=True)
class UnitState:
    """State of a unit, as systemctl(1) shows it.

    `pid` is its main process, `program` the file that it runs, `revision` what it was started with
    as SERVICE_REVISION; 0 and empty where no process runs. `listen` is ADDRESS:PORT of a socket, of
    the unit as it is loaded. `status` is what the service says of itself.
    """

    active: str = "inactive"
    enabled: str = ""
    stale_definition: bool = False
    invocation: str = ""
    program: str = ""
    revision: str = ""
    pid: int = 0
    listen: str = ""
    status: str = ""

    to_json = asdict  # for `pyinfra … fact`


@dataclass(frozen=True)
class ServiceState:
    """The services beside a generation.

    `links` are known paths that do not lead into `current`, `differing` units that are not the
    generation's, `programs` the files that its services' processes should be, `units` their states.
    """

    links: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    programs: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, UnitState] = field(default_factory=dict)

    to_json = asdict  # for `pyinfra … fact`


def runs(unit: UnitState, program: str) -> bool:
    """Whether a unit's process is of this program, or of one beside it with a longer name.

    What the program's file leads to may be replaced by another that starts it, under such a name.
    """
    return unit.program.startswith(program) and not unit.program.endswith(" (deleted)")


def parse_unit(lines: Iterable[str]) -> UnitState:
    """Read `NAME=VALUE` lines: properties, `program` and SERVICE_REVISION."""
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return UnitState(
        active=values.get("ActiveState", "inactive"),
        enabled=values.get("UnitFileState", ""),
        stale_definition=values.get("NeedDaemonReload") == "yes",
        invocation=values.get("InvocationID", ""),
        program=values.get("program", ""),
        revision=values.get("SERVICE_REVISION", ""),
        pid=int(values.get("MainPID", 0)),
        listen=values.get("Listen", "").removesuffix(" (Stream)"),
        status=values.get("StatusText", ""),
    )


def parse_service_state(lines: Iterable[str]) -> ServiceState:
    """Read what service-state.sh prints."""
    said: dict[str, list[str]] = {"link": [], "differs": [], "runs": []}
    units: dict[str, list[str]] = {}
    for line in lines:
        word, _, text = line.partition(" ")
        if word == "unit":
            units[text] = []
        elif word in said or not units:
            said[word].append(text)
        else:
            units[next(reversed(units))].append(line)
    return ServiceState(
        links=tuple(said["link"]),
        differing=tuple(said["differs"]),
        programs=dict(text.split(" ", 1) for text in said["runs"]),
        units={unit: parse_unit(properties) for unit, properties in units.items()},
    )


@dataclass(frozen=True)
class Activation:
    """What it takes for a generation to serve: `restarts` are the services' names.

    Those are "server", "socket", "proxy" and "wyoming".

    "server-if-running" is one that is idle: when it starts, it reads what is current then. It is
    restarted only if a request has started it meanwhile. `reasons` are why, in words; empty where
    it serves already.
    """

    restarts: tuple[str, ...]
    reasons: tuple[str, ...]


def plan_activation(generation: Generation, is_current: bool, state: ServiceState) -> Activation:
    """Compare the services with a generation.

    The process itself tells what it runs: its file, and the SERVICE_REVISION of its environment. So
    a run that was cut off before a restart is made good by the next.
    """
    needed = _restarts(generation, state)
    reasons = [
        *([] if is_current else [f"generation {generation.number} is not current"]),
        *(f"{link} does not lead into current" for link in state.links),
        *(f"{unit} is another" for unit in state.differing),
        *(
            f"{unit} is to be reloaded"
            for unit in state.units
            if state.units[unit].stale_definition
        ),
        *(f"{unit} is not enabled" for unit in _expected(generation) if not _enabled(state, unit)),
        *(f"the {name} is to be restarted" for name in needed),
    ]
    idle = ("server-if-running",) if reasons and is_idle(state) else ()
    return Activation((*idle, *needed), tuple(reasons))


def is_idle(state: ServiceState) -> bool:
    """Whether the proxy has stopped whisper-server, as nothing was asked for.

    One that does not end well when it is stopped counts as failed.
    """
    server, proxy = (state.units.get(unit, UnitState()) for unit in (SERVER_UNIT, PROXY_UNIT))
    is_stopped = server.active in ("inactive", "deactivating", "failed")
    return is_stopped and proxy.active == "active" and proxy.status.startswith(IDLE)


def _restarts(generation: Generation, state: ServiceState) -> tuple[str, ...]:
    server = is_idle(state) or _runs(state, SERVER_UNIT, generation.server_revision)
    socket = not generation.has_socket or _listens(state, generation.listen)
    proxy = socket and _runs(state, PROXY_UNIT, generation.proxy_revision)
    wyoming = not generation.wyoming or _runs(state, WYOMING_UNIT, generation.wyoming_revision)
    fine = {"server": server, "socket": socket, "proxy": proxy, "wyoming": wyoming}
    return tuple(name for name, is_fine in fine.items() if not is_fine)


def _expected(generation: Generation) -> tuple[str, ...]:
    """The units that a generation has."""
    socket = (PROXY_SOCKET,) if generation.has_socket else ()
    return (SERVER_UNIT, PROXY_UNIT, *socket, *((WYOMING_UNIT,) if generation.wyoming else ()))


def _enabled(state: ServiceState, unit: str) -> bool:
    return state.units.get(unit, UnitState()).enabled == "enabled"


def _listens(state: ServiceState, address: str) -> bool:
    socket = state.units.get(PROXY_SOCKET, UnitState())
    return socket.active == "active" and socket.listen == address


def _runs(state: ServiceState, unit: str, revision: str) -> bool:
    found = state.units.get(unit, UnitState())
    program = state.programs.get(unit, "")
    return (found.active, found.revision, found.program) == ("active", revision, program)
