"""The places that a run writes to."""

from collections.abc import Iterable, Sequence

from pyinfra.api import StringCommand

from voicemode_whisper.core import places
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Places(Fact[places.Places]):
    """Whether they can be written to, what is free, when they are mounted; in one round trip.

    Of `packages`, which of them are missing, and how much room they need.
    """

    default = places.Places

    def command(self, home: str, packages: Sequence[str]) -> StringCommand:
        layout = Layout(home)
        return script("places", home, layout.services, layout.units, *packages)

    def process(self, output: Iterable[str]) -> places.Places:
        return places.parse_places(output)
