"""Who listens on which TCP port."""

import re
from collections.abc import Iterable

from pyinfra.api import FactBase


class Listeners(FactBase[list[str]]):
    """What listens on a TCP port, as "PROGRAM in UNIT"; nothing where the port is free.

    A socket that systemd keeps for a service is listed for both. Needs root to see other users'
    processes.
    """

    default = list

    def command(self, port: int) -> str:
        return (
            f"ss -Hltnp 'sport = :{port}' | while read -r line; do echo \"$line\"; "
            "for pid in $(echo \"$line\" | grep -o 'pid=[0-9]*' | cut -d= -f2); do "
            'echo "cgroup of $pid: $(tail -n 1 /proc/$pid/cgroup)"; done; done'
        )

    def process(self, output: Iterable[str]) -> list[str]:
        text = "\n".join(output)
        units = dict(re.findall(r"^cgroup of (\d+): \S*/(\S+)$", text, re.MULTILINE))
        found = dict.fromkeys(re.findall(r'\("([^"]+)",pid=(\d+)', text))
        named = [f"{program} in {units.get(pid, '?')}" for program, pid in found]
        return named or ["a program that cannot be seen"]
