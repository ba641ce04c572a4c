"""Who listens on which TCP port."""

from collections.abc import Iterable, Sequence

from pyinfra.api import StringCommand

from voicemode_whisper.core.listeners import Listener, parse_listeners
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Listeners(Fact[tuple[Listener, ...]]):
    """Everything that listens on TCP; what is known of it is asked for these ports alone.

    A socket that systemd keeps for a service is listed for both. Needs root to see other users'
    processes.
    """

    default = tuple
    allows_undecodable = True  # a process chooses its own name

    def command(self, ports: Sequence[int]) -> StringCommand:
        return script("listeners", *map(str, ports))

    def process(self, output: Iterable[str]) -> tuple[Listener, ...]:
        return parse_listeners(output)
