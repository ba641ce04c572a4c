"""Upgrades that a machine makes by itself: what its timer is to run, and what came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

# What systemd calls the result of a service that has ended well (systemd.exec(5), SERVICE_RESULT).
SUCCESS = "success"


def inventory(data: Mapping[str, Any]) -> str:
    """The inventory that has the deploy work on the machine that it runs on."""
    return f"# Written by the deploy.\nservers = [('@local', {dict(data)!r})]\n"


@dataclass(frozen=True)
class UpgradeState:
    """The timer and its last run.

    `active` and `enabled` are the timer's states, as systemctl(1) shows them, empty where there is
    none; `next` is when it runs next and `when` when it ran last, as date(1) writes them. `result`
    is systemd's word for how that ended, or "stopped", `said` what the run said to it.
    """

    active: str = ""
    enabled: str = ""
    next: str = ""
    when: str = ""
    result: str = ""
    said: str = ""

    to_json = asdict  # for `pyinfra … fact`


def parse_upgrade_state(lines: Iterable[str]) -> UpgradeState:
    """Read what upgrade-state.sh prints: lines NAME=VALUE, named as the fields."""
    return UpgradeState(**dict(line.split("=", 1) for line in lines))


def calendar_problem(given: str, said: str) -> str:
    """Why systemd does not take a time; `said` is its complaint, empty where it does."""
    if not said:
        return ""
    return (
        f"upgrade_timer: got {given!r}; systemd says: {said}; allowed is never, or a time such as "
        'daily or "Sun 04:00"; systemd-analyze calendar tries one'
    )


def missing_packages(packages: Iterable[str]) -> str:
    """What is to be said of packages that are missing where nobody may install them."""
    names = " ".join(packages)
    return (
        f"packages: {names} is missing, and an unattended run installs nothing: run deploy.py, or "
        f"sudo pacman -Syu --needed {names}"
    )
