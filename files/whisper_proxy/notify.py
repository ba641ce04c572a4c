"""Notifications to systemd, see sd_notify(3): one datagram per message."""

import asyncio
import os
import socket
from collections.abc import Mapping

MICROSECONDS = 1_000_000


class Notifier:
    """Sends notifications to the service manager, if there is one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._interval = _watchdog_seconds(environment) / 2

    def send(self, message: str) -> None:
        """Send a message such as READY=1; a manager that is gone is ignored."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):  # an abstract socket
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            try:
                sender.sendto(message.encode(), address)
            except OSError:
                return

    async def keep_alive(self) -> None:
        """Ping the watchdog, twice per timeout, as long as the event loop runs."""
        while self._interval:
            self.send("WATCHDOG=1")
            await asyncio.sleep(self._interval)


def _watchdog_seconds(environment: Mapping[str, str]) -> float:
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    return int(microseconds) / MICROSECONDS if microseconds.isdecimal() else 0.0
