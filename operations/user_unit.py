"""Units of the user's own service manager, judged by the process that runs."""

import hashlib
from collections.abc import Generator, Mapping, Sequence
from io import BytesIO

from pyinfra import host
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand

from facts.files import RealPath, Sums, Without
from facts.user_unit import SYSTEMCTL, Socket, Unit, UnitState
from operations.connection import operation
from operations.shown import narrated

Command = StringCommand | FileUploadCommand


@operation()
def written(directory: str, units: Mapping[str, str]) -> Generator[Command]:
    """Have unit files with these texts, each replaced by one rename.

    + directory: where they belong; it need not exist
    + units: the text of each unit file, by its name
    """
    wanted = {f"{directory}/{name}": text.encode() for name, text in units.items()}
    present = host.get_fact(Sums, paths=list(wanted))
    other = {
        path: text
        for path, text in wanted.items()
        if present.get(path) != hashlib.sha256(text).hexdigest()
    }
    if not other:
        host.noop(f"the units in {directory} are as they should be")
        return
    yield StringCommand("mkdir -p", QuoteString(directory))
    for path, text in other.items():
        yield FileUploadCommand(BytesIO(text), f"{path}.new")
        yield StringCommand("mv -f", QuoteString(f"{path}.new"), QuoteString(path))


@operation()
def running(unit: str, revision: str, program: str) -> Generator[StringCommand]:
    """Have a unit enabled, and its process run what is on disk now; restart it only if it does not.

    The process itself tells: the file that it runs, and the SERVICE_REVISION of its environment.
    So a run that was cut off before the restart is made good by the next. Whether the process then
    works is for `setups.confirm` to say, which can go back.

    + unit: name of the unit, whose file is in place
    + revision: the SERVICE_REVISION that the unit's file sets now
    + program: path of the program; links are followed
    """
    state = host.get_fact(Unit, unit=unit)
    stale = _is_stale(state, revision, host.get_fact(RealPath, path=program))
    if state.stale_definition or stale:
        yield StringCommand(SYSTEMCTL, "daemon-reload")
    if state.enabled != "enabled":
        yield StringCommand(SYSTEMCTL, "enable -q", QuoteString(unit))
    if stale:
        yield StringCommand(SYSTEMCTL, "--no-block restart", QuoteString(unit))
    elif state.enabled == "enabled" and not state.stale_definition:
        host.noop(f"{unit} is enabled and runs what is on disk")


@operation()
def listening(unit: str, address: str, service: str) -> Generator[StringCommand]:
    """Have a socket unit enabled and listening at an address.

    While it does, its service can be restarted and no connection is refused. To listen elsewhere
    both are stopped, and the service is to be started again (see `running`, and who says whether it
    works).

    + unit: name of the socket unit, whose file is in place
    + address: ADDRESS:PORT, as the unit's file has it
    + service: the unit that the socket is for
    """
    state = host.get_fact(Socket, unit=unit)
    if state.stale_definition or state.listen != address:
        yield StringCommand(SYSTEMCTL, "daemon-reload")
    if state.enabled != "enabled":
        yield StringCommand(SYSTEMCTL, "enable -q", QuoteString(unit))
    if state.active != "active" or state.listen != address:
        # It finishes the requests that it has, which takes what it takes.
        yield narrated("sh", "-c", f"{SYSTEMCTL} stop {service} {unit}")
        yield StringCommand(SYSTEMCTL, "--no-block start", QuoteString(unit))
    elif state.enabled == "enabled" and not state.stale_definition:
        host.noop(f"{unit} listens at {address}")


def _is_stale(state: UnitState, revision: str, program: str | None) -> bool:
    current = state.revision == revision and state.program == program
    return state.active != "active" or not current


@operation()
def kept_by_hand(paths: Sequence[str], marker: str) -> Generator[StringCommand]:
    """Keep a copy PATH.by-hand of unit files that somebody else wrote, before they are replaced.

    + paths: of the unit files, which need not exist
    + marker: a line that stands in the deploy's own unit files
    """
    found = host.get_fact(Without, paths=paths, text=marker)
    if not found:
        host.noop("no unit was written by hand")
    for path in found:
        unit, copy = QuoteString(path), QuoteString(f"{path}.by-hand")
        yield StringCommand("cmp -s", unit, copy, "|| cp -p --backup=numbered", unit, copy)


@operation()
def absent(paths: Sequence[str], marker: str) -> Generator[StringCommand]:
    """Stop, disable and remove units of the deploy; put units that were there before it back.

    Those are not started: what they ran may be gone.

    + paths: of the unit files, which need not exist, in the order in which they are to be stopped
    + marker: a line that stands in the deploy's own unit files
    """
    theirs = host.get_fact(Without, paths=paths, text=marker)
    present = host.get_fact(Sums, paths=[*paths, *(f"{path}.by-hand" for path in paths)])
    ours = [path for path in paths if path in present and path not in theirs]
    if not ours:
        host.noop("no unit of the deploy is there")
        return
    units = [QuoteString(path.rpartition("/")[2]) for path in ours]
    yield narrated("sh", "-c", f"{SYSTEMCTL} disable --now {StringCommand(*units)}")
    yield StringCommand("rm", *map(QuoteString, ours))
    for path in ours:
        if f"{path}.by-hand" in present:
            yield StringCommand("mv", QuoteString(f"{path}.by-hand"), QuoteString(path))
    yield StringCommand(SYSTEMCTL, "daemon-reload")
    directory = QuoteString(paths[0].rpartition("/")[0])
    yield StringCommand("rmdir -p --ignore-fail-on-non-empty", directory, "2>/dev/null || true")
