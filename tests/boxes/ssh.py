"""The one way into a box: ssh, with one key for all boxes and a known host key."""

from __future__ import annotations

from pathlib import Path

from . import network
from .shell import run
from .state import SSH, write_whole

KEY = SSH / "id_ed25519"
PUBLIC_KEY = SSH / "id_ed25519.pub"
HOST_KEY = SSH / "host_ed25519"
KNOWN_HOSTS = SSH / "known_hosts"
USER = "ada"


def make_keys() -> None:
    """Make the users' key pair and the boxes' host key, once."""
    SSH.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path, comment in ((KEY, "boxes"), (HOST_KEY, "boxes-host")):
        if not path.exists():
            part = path.with_name(path.name + ".part")
            for leftover in SSH.glob(part.name + "*"):
                leftover.unlink()
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", part)
            part.with_name(part.name + ".pub").rename(path.with_name(path.name + ".pub"))
            part.rename(path)


def write_known_hosts() -> None:
    """List every address a box can have: paramiko knows no wildcards."""
    addresses = ",".join(network.address(index) for index in network.INDEXES)
    kind, key, _ = Path(f"{HOST_KEY}.pub").read_text().split(" ", 2)
    write_whole(KNOWN_HOSTS, f"{addresses} {kind} {key}\n")


def arguments(address: str, user: str = USER, *options: str) -> list[str]:
    """The ssh command line that logs in at an address, without a command."""
    settings = {
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": str(KNOWN_HOSTS),
        "StrictHostKeyChecking": "yes",
        "PasswordAuthentication": "no",
        "ConnectTimeout": "10",
        "LogLevel": "ERROR",
    }
    pairs = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    return ["ssh", "-F", "none", "-i", str(KEY), *pairs, *options, f"{user}@{address}"]
