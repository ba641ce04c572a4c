"""Units of the user's own service manager."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand

# pyinfra's connections have no session, so systemctl must be told where the manager is.
SYSTEMCTL = 'XDG_RUNTIME_DIR="/run/user/$(id -u)" systemctl --user'


@dataclass(frozen=True)
class UnitState:
    """State of a unit. `pid` is its main process, `program` the file that it runs, `revision` what
    it was started with as SERVICE_REVISION; 0 and empty where no process runs."""

    active: str = "inactive"
    enabled: str = ""
    stale_definition: bool = False
    invocation: str = ""
    program: str = ""
    revision: str = ""
    pid: int = 0

    to_json = asdict  # for `pyinfra … fact`


class Unit(FactBase[UnitState]):
    """The state of one unit, of which the running process is the measure and not the file."""

    default = UnitState

    def command(self, unit: str) -> StringCommand:
        return StringCommand(
            f"{SYSTEMCTL} show",
            "-p ActiveState,UnitFileState,NeedDaemonReload,InvocationID,MainPID",
            QuoteString(unit),
            "2>/dev/null;",
            StringCommand(f"pid=$({SYSTEMCTL} show -p MainPID --value", QuoteString(unit)),
            '2>/dev/null); if [ "${pid:-0}" -gt 0 ]; then',
            'echo "program=$(readlink /proc/$pid/exe)";',
            "tr '\\0' '\\n' < /proc/$pid/environ | grep '^SERVICE_REVISION='; fi; true",
        )

    def process(self, output: Iterable[str]) -> UnitState:
        values = dict(line.split("=", 1) for line in output if "=" in line)
        return UnitState(
            active=values.get("ActiveState", "inactive"),
            enabled=values.get("UnitFileState", ""),
            stale_definition=values.get("NeedDaemonReload") == "yes",
            invocation=values.get("InvocationID", ""),
            program=values.get("program", ""),
            revision=values.get("SERVICE_REVISION", ""),
            pid=int(values.get("MainPID", 0)),
        )


@dataclass(frozen=True)
class SocketState:
    """State of a socket unit. `listen` is ADDRESS:PORT, of the unit as it is loaded."""

    active: str = "inactive"
    enabled: str = ""
    stale_definition: bool = False
    listen: str = ""

    to_json = asdict  # for `pyinfra … fact`


class Socket(FactBase[SocketState]):
    """The state of one socket unit with one stream socket."""

    default = SocketState

    def command(self, unit: str) -> StringCommand:
        return StringCommand(
            f"{SYSTEMCTL} show -p ActiveState,UnitFileState,NeedDaemonReload,Listen",
            QuoteString(unit),
            "2>/dev/null || true",
        )

    def process(self, output: Iterable[str]) -> SocketState:
        values = dict(line.split("=", 1) for line in output if "=" in line)
        return SocketState(
            active=values.get("ActiveState", "inactive"),
            enabled=values.get("UnitFileState", ""),
            stale_definition=values.get("NeedDaemonReload") == "yes",
            listen=values.get("Listen", "").removesuffix(" (Stream)"),
        )


class StartLog(FactBase[list[str]]):
    """The first 400 lines that one invocation of a user's unit logged. Needs root."""

    default = list

    def command(self, invocation: str) -> StringCommand:
        return StringCommand(
            "journalctl --no-pager -q -o cat",
            StringCommand("_SYSTEMD_INVOCATION_ID=", QuoteString(invocation), _separator=""),
            "| head -n 400 || true",
        )

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class LastWords(FactBase[list[str]]):
    """The last 15 lines that a user's programs of one name logged. Needs root.

    journald does not learn what unit or invocation a process was of that dies at once.
    """

    default = list

    def command(self, program: str, user: str) -> StringCommand:
        return StringCommand(
            "journalctl --no-pager -q -o cat -n 15 -t", QuoteString(program),
            StringCommand('_UID="$(id -u', QuoteString(user), ')"'), "|| true",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)
