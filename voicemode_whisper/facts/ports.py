"""Who listens on which TCP port."""

import re
from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Listeners(Fact[list[str]]):
    """What listens on a TCP port, as "PROGRAM in UNIT"; nothing where the port is free.

    A socket that systemd keeps for a service is listed for both. Needs root to see other users'
    processes.
    """

    default = list
    allows_undecodable = True  # a process chooses its own name

    def command(self, port: int) -> StringCommand:
        return script("listeners", str(port))

    def process(self, output: Iterable[str]) -> list[str]:
        text = "\n".join(output)
        units = dict(re.findall(r"^cgroup of (\d+): \S*/(\S+)$", text, re.MULTILINE))
        found = dict.fromkeys(re.findall(r'\("([^"]+)",pid=(\d+)', text))
        named = [f"{program} in {units.get(pid, '?')}" for program, pid in found]
        return named or ["a program that cannot be seen"]
