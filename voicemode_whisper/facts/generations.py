"""What serves on the host, what served there before, and what was rejected."""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.core import generations
from voicemode_whisper.core.generations import (
    EarlierSetup,
    parse_earlier_setup,
    parse_generations,
)
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Generations(Fact[generations.Generations]):
    """The generations below services/, in one round trip."""

    default = generations.Generations

    def command(self, layout: Layout) -> StringCommand:
        return script("list-generations", layout.services)

    def process(self, output: Iterable[str]) -> generations.Generations:
        return parse_generations(output)


class Earlier(Fact[EarlierSetup | None]):
    """What was set up by hand, or by an earlier layout; None where there are generations."""

    def command(self, layout: Layout) -> StringCommand:
        return script("describe-setup", layout.services, layout.units)

    def process(self, output: Iterable[str]) -> EarlierSetup:
        return parse_earlier_setup(output)
