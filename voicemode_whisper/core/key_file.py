"""The file with the API key: what makes it one that only its user can read."""

import shlex
from dataclasses import asdict, dataclass

OTHERS = 0o077


@dataclass(frozen=True)
class KeyFile:
    """A file's mode and owner, and whether the user can read one key from it."""

    mode: int
    owner: str
    has_key: bool

    to_json = asdict  # for `pyinfra … fact`


def key_problem(found: KeyFile | None, path: str, user: str) -> str | None:
    """What is wrong with the key's file at `path`, and the command that mends it."""
    if found is None:
        return "which is not on the host; write the key into it, readable for the user alone"
    if found.mode & OTHERS or found.owner not in (user, "root"):
        own = f"sudo chown {shlex.quote(user)} {path} && sudo " if found.owner != user else ""
        return f"which others than {user} can read or change; run: {own}chmod 600 {path}"
    if not found.has_key:
        return f"which {user} cannot read one key from, in ASCII without spaces"
    return None
