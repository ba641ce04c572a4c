"""Restarts a whisper-server that hangs, through systemd."""

import asyncio
import logging

LOG = logging.getLogger(__name__)

COMMAND_SECONDS = 10.0


class Restarter:
    """Restarts the user's service `unit`; nothing at all if that is empty."""

    def __init__(self, unit: str) -> None:
        self._unit = unit

    async def restart(self) -> bool:
        """Kill the service, which systemd then starts again; return whether that succeeded."""
        if not self._unit:
            return False
        status = await _run(command(self._unit))
        if status:
            LOG.error("cannot restart %s: systemctl's status=%d", self._unit, status)
        return status == 0


def command(unit: str) -> list[str]:
    """Return the command that restarts a service with Restart=always.

    On SIGTERM, which `systemctl restart` sends, whisper-server first finishes what it has. With a
    hung inference that lasts until TimeoutStopSec, a minute and a half.
    """
    return ["systemctl", "--user", "kill", "--signal=KILL", unit]


async def _run(arguments: list[str]) -> int:
    """Run a program and return its exit status: 127 if there is none, -9 if it takes too long."""
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*arguments, stdin=quiet, stdout=quiet)
    except OSError:
        return 127
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()
