"""Who listens on which TCP port."""

import re
from collections.abc import Iterable

from pyinfra.api import FactBase


class Listener(FactBase[str | None]):
    """What listens on a TCP port, as "PROGRAM in UNIT"; None where the port is free.

    Needs root to see other users' processes.
    """

    def command(self, port: int) -> str:
        return (
            f"ss -Hltnp 'sport = :{port}' | while read -r line; do echo \"$line\"; "
            "for pid in $(echo \"$line\" | grep -o 'pid=[0-9]*' | cut -d= -f2); do "
            'echo "cgroup=$(tail -n 1 /proc/$pid/cgroup)"; done; done'
        )

    def process(self, output: Iterable[str]) -> str:
        text = "\n".join(output)
        program = re.search(r'users:\(\("([^"]+)"', text)
        unit = re.search(r"cgroup=\S*/(\S+)$", text, re.MULTILINE)
        return f"{program[1] if program else '?'} in {unit[1] if unit else '?'}"
