"""What to tell of a user who cannot become root."""

from collections.abc import Sequence


def no_password() -> str:
    return (
        "sudo: asks for a password, and there is no terminal to ask in; "
        "set the environment variable PYINFRA_SUDO_PASSWORD"
    )


def no_terminal(user: str) -> str:
    return (
        f"sudo: takes {user} at a terminal alone (requiretty), and the deploy has none; "
        f"with `sudo visudo`, add the line: Defaults:{user} !requiretty"
    )


def no_tool(tools: Sequence[str], user: str) -> str:
    """`tools` is what the machine has besides sudo, as root-tools.sh prints it."""
    if "doas" in tools:
        return (
            f"sudo: not installed, and doas asks {user} for a password, which can only be typed by "
            f"hand; have `permit nopass {user}` in /etc/doas.conf, or install sudo"
        )
    others = " and ".join(tools) or "nothing that would make somebody root"
    return (
        f"sudo: not installed; there is {others}, which the deploy does not use; as root, install "
        f"sudo and let {user} use it (or doas, with `permit nopass {user}` in /etc/doas.conf)"
    )


def refused(said: Sequence[str], user: str, from_environment: bool) -> str:
    """`said` is what sudo answered to a password."""
    lines = [line.strip() for line in said if line.strip()]
    last = lines[-1] if lines else "nothing"
    source = "the password in PYINFRA_SUDO_PASSWORD" if from_environment else "that password"
    return f"sudo: does not make {user} root with {source}; it says: {last}"
