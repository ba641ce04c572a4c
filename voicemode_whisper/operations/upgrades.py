"""Upgrades that the machine makes by itself: this deploy, on the machine, from a timer."""

from collections.abc import Generator, Mapping
from typing import Any

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.core.layout import UPGRADE_TIMER, Layout
from voicemode_whisper.core.services import UnitState
from voicemode_whisper.core.upgrades import inventory
from voicemode_whisper.core.urls import Hidden
from voicemode_whisper.core.venv import UPGRADE
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.files import Exists, Sha256Sums
from voicemode_whisper.facts.toolchain import Python
from voicemode_whisper.facts.user_unit import SYSTEMCTL, Unit
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.once import read_once
from voicemode_whisper.operations.util.sums import differing
from voicemode_whisper.scripts import script
from voicemode_whisper.unit_files import render_upgrade


@operation()
def scheduled(
    layout: Layout,
    calendar: str,
    notify: str,
    project: str,
    lock_sha256: str,
    data: Mapping[str, Any],
) -> Generator[StringCommand]:
    """Have a timer that runs the deploy on the machine itself; versions that it needs not are gone.

    + layout: where things lie
    + calendar: when, as systemd.time(7) has it
    + notify: the shell command that tells of a failure, or nothing
    + project: the name of the directory with this project below `layout.upgrade`
    + lock_sha256: of the lock file that the virtual environment beside it was made from
    + data: the settings for the host
    """
    python: str | None = read_once(Python)
    venv = f"{UPGRADE.directory}-{fingerprint(f'{lock_sha256} {python}')}"
    units = render_upgrade(calendar, project, venv)
    settings = inventory(data)
    files = {
        f"{layout.upgrade}/inventory.py": settings,
        f"{layout.upgrade}/notify": notify,
        **{f"{layout.units}/{name}": text for name, text in units.items()},
    }
    timer: UnitState = read_fact(host, Unit, unit=UPGRADE_TIMER)
    runs = (timer.active, timer.enabled, timer.stale_definition) == ("active", "enabled", False)
    if runs and not differing(files):
        host.noop(f"{UPGRADE_TIMER} runs it")
        return
    words = [word for pair in units.items() for word in pair]
    command = script("schedule-upgrades", layout.upgrade, layout.units, project, venv, *words)
    yield StringCommand(command, _stdin=Hidden([notify, *settings.splitlines()]))


@operation()
def absent(layout: Layout) -> Generator[StringCommand]:
    """Remove the timer and all that it runs.

    + layout: where things lie
    """
    paths = layout.upgrade_units
    units = read_fact(host, Sha256Sums, paths=paths)
    if not units and not read_fact(host, Exists, path=layout.upgrade):
        host.noop("the machine does not upgrade itself")
        return
    if units:
        # Not the service: that may be what has called for this.
        yield StringCommand(SYSTEMCTL, "disable --now", UPGRADE_TIMER)
        yield StringCommand("rm -f", *map(QuoteString, paths))
        yield StringCommand(SYSTEMCTL, "daemon-reload")
    yield StringCommand("rm -rf", QuoteString(layout.upgrade))
