"""The timer with which a machine upgrades itself."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core import upgrades
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class CalendarProblem(Fact[str]):
    """What systemd says against a time for timers; empty where it takes it.

    A time that has gone by, and never comes again, is none.
    """

    default = str

    def command(self, calendar: str) -> StringCommand:
        ask = StringCommand("systemd-analyze calendar --", QuoteString(calendar))
        never = "sed -n 's/^ *\\(Next elapse: never\\)$/\\1/p'"
        return StringCommand(f'said=$({ask} 2>&1) && echo "$said" | {never} || echo "$said"')

    def process(self, output: Iterable[str]) -> str:
        return " ".join(output)


class UpgradeState(Fact[upgrades.UpgradeState]):
    """The timer of the user's manager, and what came of its last run."""

    default = upgrades.UpgradeState

    def command(self, layout: Layout) -> StringCommand:
        return script("upgrade-state", layout.upgrade)

    def process(self, output: Iterable[str]) -> upgrades.UpgradeState:
        return upgrades.parse_upgrade_state(output)
