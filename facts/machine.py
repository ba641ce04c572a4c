"""The machine itself: system, user, disk."""

from collections.abc import Iterable
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand

from core.machine import parse_os_release


class Identity(FactBase[dict[str, Any]]):
    """Who and what we are connected to, in one round trip.

    Returns a dict: user, uid (int), home, architecture (as uname -m says), init (the name of
    process 1), os_release (a dict of os-release(5)).
    """

    def command(self) -> str:
        return (
            'echo "user=$(id -un)"; echo "uid=$(id -u)"; echo "home=$HOME"; '
            'echo "architecture=$(uname -m)"; echo "init=$(cat /proc/1/comm)"; '
            "cat /etc/os-release 2>/dev/null || true"
        )

    def process(self, output: Iterable[str]) -> dict[str, Any]:
        lines = list(output)
        own = dict(line.split("=", 1) for line in lines[:5])
        return {
            **own,
            "uid": int(own["uid"]),
            "os_release": parse_os_release(lines[5:]),
        }


class FreeSpace(FactBase[int]):
    """Bytes free for an ordinary user where `path` is or will be."""

    default = int

    def command(self, path: str) -> StringCommand:
        return StringCommand(
            StringCommand("p=", QuoteString(path), ";", _separator=""),
            'while [ ! -d "$p" ]; do p=$(dirname "$p"); done; df -PB1 "$p" | tail -n 1',
        )

    def process(self, output: Iterable[str]) -> int:
        return int(next(iter(output)).split()[3])


class SudoNeedsPassword(FactBase[bool]):
    """Whether sudo would ask this user for a password."""

    def command(self) -> str:
        return "sudo -n true 2>/dev/null && echo no || echo yes"

    def process(self, output: Iterable[str]) -> bool:
        return next(iter(output)) == "yes"


class UserName(FactBase[str | None]):
    """Who commands run as: with _sudo, whether sudo works at all."""

    def command(self) -> str:
        return "id -un"

    def process(self, output: Iterable[str]) -> str:
        return next(iter(output))


class Lingering(FactBase[bool]):
    """Whether the user's services run without a login (loginctl enable-linger)."""

    def command(self, user: str) -> StringCommand:
        return StringCommand(
            "ls /var/lib/systemd/linger 2>/dev/null | grep -xF",
            QuoteString(user),
            "|| true",
        )

    def process(self, output: Iterable[str]) -> bool:
        return bool(list(output))

    @staticmethod
    def default() -> bool:
        return False


class Groups(FactBase[list[str]]):
    """Names of the groups that the user database has a user in."""

    default = list

    def command(self, user: str) -> StringCommand:
        return StringCommand("id -nG", QuoteString(user))

    def process(self, output: Iterable[str]) -> list[str]:
        return " ".join(output).split()
