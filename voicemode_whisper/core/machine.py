"""What kind of machine a deploy can work on."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from voicemode_whisper.core.errors import UserError

# The first line of what identity.sh prints, and what follows.
IDENTITY = "### identity"
IDENTITY_KEYS = ("user", "uid", "home", "architecture", "init")


def parse_identity(lines: Iterable[str]) -> dict[str, Any]:
    """Read what identity.sh prints.

    The keys are user, uid (int), home, architecture (as uname -m says), init (systemd, or the name
    of process 1) and os_release (a dict of os-release(5)). UserError where the user's shell prints
    something of its own first, which would stand before all that is asked, and in the way of file
    transfers. ValueError or KeyError for anything else.
    """
    lines = list(lines)
    start = lines.index(IDENTITY)
    if start:
        greeting = next((line for line in lines[:start] if line.strip()), "")
        raise UserError(
            f"host: the login shell prints {greeting[:60]!r} before a command's output; in "
            "~/.bashrc, move what prints below `[[ $- == *i* ]] || return` (zsh: ~/.zshenv; fish: "
            "~/.config/fish/config.fish, `status is-interactive; or exit`)"
        )
    fields = dict(line.split("=", 1) for line in lines[1:6])
    identity: dict[str, Any] = {key: fields[key] for key in IDENTITY_KEYS}
    identity["uid"] = int(identity["uid"])
    identity["home"] = identity["home"].rstrip("/") or "/"
    identity["os_release"] = parse_os_release(lines[6:])
    return identity


def parse_os_release(lines: Iterable[str]) -> dict[str, str]:
    """Read os-release(5): shell-like KEY=VALUE lines."""
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): "".join(shlex.split(value)) for key, value in pairs}


def check_platform(os_release: Mapping[str, str], architecture: str, init: str) -> None:
    """Refuse what is not Arch or made from it, not x86_64, or not run by systemd."""
    ids = {os_release.get("ID", ""), *os_release.get("ID_LIKE", "").split()}
    if "arch" not in ids:
        name = os_release.get("PRETTY_NAME") or os_release.get("ID") or "an unknown system"
        raise UserError(f"host: this is {name}; needed is Arch Linux or one made from it (CachyOS)")
    if architecture != "x86_64":
        raise UserError(f"host: this is {architecture}; needed is x86_64")
    if init != "systemd":
        raise UserError(f"host: this is run by {init or 'no init system'}; needed is systemd")


def check_user(user: str) -> None:
    """Refuse root, as the services belong to an ordinary user, and a name that is a number."""
    if user == "root":
        raise UserError(
            "user: connected as root; connect as the user who will own the services "
            "(sudo is used where root is needed)"
        )
    if user.isdecimal():
        raise UserError(
            f"user: {user!r} is a number, which loginctl takes for a user id; "
            "connect as a user with another name"
        )
