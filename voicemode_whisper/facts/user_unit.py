"""Units of the user's own service manager."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.services import (
    ServiceState,
    UnitState,
    parse_service_state,
    parse_unit,
)
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script

# pyinfra's connections have no session, so systemctl must be told where the manager is.
SYSTEMCTL = 'XDG_RUNTIME_DIR="/run/user/$(id -u)" systemctl --user'


class Unit(Fact[UnitState]):
    """The state of one unit, of which the running process is the measure and not the file."""

    default = UnitState

    def command(self, unit: str) -> StringCommand:
        return script("unit-state", unit)

    def process(self, output: Iterable[str]) -> UnitState:
        return parse_unit(output)


class Services(Fact[ServiceState]):
    """The services beside the generation `number`, in one round trip."""

    default = ServiceState

    def command(self, layout: Layout, number: int) -> StringCommand:
        return script("service-state", layout.services, layout.units, str(number))

    def process(self, output: Iterable[str]) -> ServiceState:
        return parse_service_state(output)


class StartLog(Fact[list[str]]):
    """The first 400 lines that one invocation of a user's unit logged. Needs root."""

    default = list
    allows_undecodable = True

    def command(self, invocation: str) -> StringCommand:
        return StringCommand(
            "journalctl --no-pager -q -o cat",
            StringCommand("_SYSTEMD_INVOCATION_ID=", QuoteString(invocation), _separator=""),
            "| head -n 400 || true",
        )

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class LastWords(Fact[list[str]]):
    """The last 15 lines that a user's programs of one name logged. Needs root.

    journald does not learn what unit or invocation a process was of that dies at once.
    """

    default = list
    allows_undecodable = True

    def command(self, program: str, user: str) -> StringCommand:
        return StringCommand(
            "journalctl --no-pager -q -o cat -n 15 -t", QuoteString(program),
            StringCommand('_UID="$(id -u', QuoteString(user), ')"'), "|| true",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)
