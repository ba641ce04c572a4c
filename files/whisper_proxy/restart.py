"""Restarts, stops and starts whisper-server, through systemd."""

import asyncio
import logging
import signal

LOG = logging.getLogger(__name__)

COMMAND_SECONDS = 10.0
# The unit has 90 s to end (TimeoutStopSec), then it is killed.
STOP_SECONDS = 100.0


class Restarter:
    """Restarts, stops and starts the user's service `unit`; does nothing at all if that is empty.

    Each returns whether it succeeded.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit

    async def restart(self) -> bool:
        """Kill the service, which systemd then starts again, as its unit has Restart=always.

        On SIGTERM, which `systemctl restart` sends, whisper-server first finishes what it has. With
        a hung inference that lasts until TimeoutStopSec, a minute and a half.
        """
        return await self._do("restart", ["kill", "--signal=KILL"], COMMAND_SECONDS)

    async def stop(self) -> bool:
        """Stop the service, and wait until its process has ended."""
        return await self._do("stop", ["stop"], STOP_SECONDS)

    async def start(self) -> bool:
        """Have the service started, without waiting until it is."""
        return await self._do("start", ["start", "--no-block"], COMMAND_SECONDS)

    async def _do(self, what: str, arguments: list[str], seconds: float) -> bool:
        if not self._unit:
            return False
        status = await _run(["systemctl", "--user", *arguments, self._unit], seconds)
        if status:
            LOG.error("cannot %s %s: systemctl's status=%d", what, self._unit, status)
        return status == 0


async def _run(arguments: list[str], seconds: float) -> int:
    """Run a program and return its exit status: 127 if there is none, -9 if it takes too long.

    It does not outlive a call that is cancelled.
    """
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*arguments, stdin=quiet, stdout=quiet)
    except OSError:
        return 127
    try:
        async with asyncio.timeout(seconds):
            return await process.wait()
    except TimeoutError:
        return -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
