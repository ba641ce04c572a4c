"""The machine itself: system and user."""

from collections.abc import Iterable
from typing import Any

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.machine import parse_identity
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Identity(Fact[dict[str, Any]]):
    """Who and what we are connected to, in one round trip: see `core.machine.parse_identity`."""

    def command(self) -> StringCommand:
        return script("identity")

    def process(self, output: Iterable[str]) -> dict[str, Any]:
        return parse_identity(output)


class SudoRefusal(Fact[str]):
    """What sudo says where it does not take this user without a password; empty where it does.

    A password that was given a moment ago does not count.
    """

    default = str

    def command(self) -> str:
        return 'said=$(sudo -k -n sh -c true 2>&1) || echo "${said:-no}"'

    def process(self, output: Iterable[str]) -> str:
        return " ".join(output)


class AvailableMemory(Fact[int | None]):
    """Bytes of the machine's memory that programs can have without swapping (proc_meminfo(5))."""

    def command(self) -> str:
        return "grep ^MemAvailable: /proc/meminfo || true"

    def process(self, output: Iterable[str]) -> int | None:
        return next((int(line.split()[1]) * 1024 for line in output), None)


class RootTools(Fact[list[str]]):
    """What may make this user root: those of sudo, doas, run0 and su that are there.

    With `doas -n` where doas does, without asking.
    """

    default = list

    def command(self) -> StringCommand:
        return script("root-tools")

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class UserName(Fact[str | None]):
    """Who commands run as: with _sudo, whether sudo works at all."""

    def command(self) -> str:
        return "id -un"

    def process(self, output: Iterable[str]) -> str:
        (line,) = output
        return line


class Lingering(Fact[bool]):
    """Whether the user's services run without a login, as logind says, and their manager runs."""

    def command(self, user: str, uid: int) -> StringCommand:
        return script("lingers", user, str(uid))

    def process(self, output: Iterable[str]) -> bool:
        if list(output) != ["yes"]:
            raise ValueError("neither yes nor nothing")
        return True

    @staticmethod
    def default() -> bool:
        return False


class Groups(Fact[list[str]]):
    """Names of the groups that the user database has a user in."""

    default = list

    def command(self, user: str) -> StringCommand:
        # A group of a domain may have a space in its name.
        return StringCommand("id -nGz", QuoteString(user), r"| tr '\0' '\n'")

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)
