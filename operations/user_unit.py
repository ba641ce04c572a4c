"""Units of the user's own service manager, judged by the process that runs."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from facts.files import RealPath
from facts.user_unit import SYSTEMCTL, Socket, Unit, UnitState
from operations.scripts import script


@operation()
def running(unit: str, revision: str, program: str, url: str) -> Generator[StringCommand]:
    """Have a unit enabled, and its process run what is on disk now; restart it only if it does not.

    The process itself tells: the file that it runs, and the SERVICE_REVISION of its environment.
    So a run that was cut off before the restart is made good by the next.

    + unit: name of the unit, whose file is in place
    + revision: the SERVICE_REVISION that the unit's file sets now
    + program: path of the program; links are followed
    + url: answers with a 2xx when the service is ready
    """
    state = host.get_fact(Unit, unit=unit)
    stale = _is_stale(state, revision, host.get_fact(RealPath, path=program))
    if state.stale_definition or stale:
        yield StringCommand(SYSTEMCTL, "daemon-reload")
    if state.enabled != "enabled":
        yield StringCommand(SYSTEMCTL, "enable -q", QuoteString(unit))
    if stale:
        yield StringCommand(SYSTEMCTL, "restart", QuoteString(unit))
        yield script("await", url, unit)
    elif state.enabled == "enabled" and not state.stale_definition:
        host.noop(f"{unit} is enabled and runs what is on disk")


@operation()
def listening(unit: str, address: str, service: str) -> Generator[StringCommand]:
    """Have a socket unit enabled and listening at an address.

    While it does, its service can be restarted and no connection is refused. To listen elsewhere
    both are stopped, and the service is to be started again (see `running`).

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
        yield StringCommand(SYSTEMCTL, "stop", QuoteString(service), QuoteString(unit))
        yield StringCommand(SYSTEMCTL, "start", QuoteString(unit))
    elif state.enabled == "enabled" and not state.stale_definition:
        host.noop(f"{unit} listens at {address}")


def _is_stale(state: UnitState, revision: str, program: str | None) -> bool:
    current = state.revision == revision and state.program == program
    return state.active != "active" or not current
