"""What a card draws, and how busy it is, from the kernel alone."""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.core.power import Power, parse_power
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class GpuPower(Fact[Power]):
    """What the card draws, over a second that begins after `pause` seconds.

    `device` is its directory in sysfs (see `core.power.sysfs_device`).
    """

    stirs = True
    default = Power

    def command(self, device: str, pause: int = 0) -> StringCommand:
        return script("gpu-power", device, str(pause))

    def process(self, output: Iterable[str]) -> Power:
        (line,) = output
        return parse_power(line)


class UnservedPower(GpuPower):
    """What the card draws while nobody runs whisper-server; not known while somebody does."""

    def command(self, device: str, pause: int = 0) -> StringCommand:
        measure = super().command(device, pause)
        return StringCommand("pgrep -x whisper-server > /dev/null ||", measure)
