"""Hosts that answer as they are told, through pyinfra's @fake connector."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def inventory(directory: Path, hosts: Mapping[str, Any]) -> Path:
    """An inventory.py in `directory` of these hosts, each with its answers to commands."""
    entries = [
        (f"@fake/{name}", {"fake_responses": answers, "fake_delay": 0, "fake_delay_jitter": 0})
        for name, answers in hosts.items()
    ]
    file = directory / "inventory.py"
    file.write_text(f"hosts = {entries!r}")
    return file
