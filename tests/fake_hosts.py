"""Hosts that answer as they are told: to one operation, or to pyinfra, by its @fake connector."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host, get_command_string

COMMIT = "a" * 40
# What places.sh says of a host with one large disk.
ROOMS = [
    "room\t99999999999\t0\t0\t/\t/home/ada/.voicemode/services",
    "room\t99999999999\t0\t0\t/\t/var/cache/pacman/pkg",
    "room\t99999999999\t0\t0\t/\t/",
]
HEALTHY = {
    "uname -m": [
        "### identity", "user=ada", "uid=1000", "home=/home/ada",
        "architecture=x86_64", "init=systemd",
        'PRETTY_NAME="CachyOS"', "ID=cachyos", "ID_LIKE=arch",
    ],
    "sudo -k -n sh -c true": [],
    "root-tools": ["sudo", "su"],
    "is-system-running": ["Version=257", "Linger=yes", "ActiveState=active", "Manager=running"],
    "id -un": ["root"],
    "git-upload-pack": [f"003f{COMMIT} refs/heads/master", f"003e{COMMIT} refs/tags/v1.9.1"],
    "say_late": ROOMS,
}  # fmt: skip


class FakeHost:
    """A host in the middle of a run: facts and what they say, and what an operator was told.

    Scripts stand in its commands by their names.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.said: list[str] = []
        self.state = FakeState()
        self.state.is_executing = True
        self.host = create_host(self.state, facts=facts)
        self.host.log = self.said.append
        self.host.log_styled = lambda line, **_: self.said.append(line)

    @contextmanager
    def worked_on(self) -> Iterator[None]:
        """Let this be the host that pyinfra works on."""
        scripts = patch("voicemode_whisper.scripts._text", "{}.sh".format)
        with scripts, ctx_state.use(self.state), ctx_host.use(self.host):
            yield

    def commands(self, operation: Callable[..., Any], **arguments: Any) -> list[str]:
        """The commands that an operation yields."""
        with self.worked_on():
            return [get_command_string(command) for command in operation._inner(**arguments)]


def inventory(directory: Path, hosts: Mapping[str, Any]) -> Path:
    """An inventory.py in `directory` of these hosts, each with its answers to commands."""
    entries = [
        (f"@fake/{name}", {"fake_responses": answers, "fake_delay": 0, "fake_delay_jitter": 0})
        for name, answers in hosts.items()
    ]
    file = directory / "inventory.py"
    file.write_text(f"hosts = {entries!r}")
    return file
