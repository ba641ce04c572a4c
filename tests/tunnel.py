"""Reach what listens on a box's own loopback, as its users would from the box itself."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.boxes import Box, ssh


@contextmanager
def tunnel(box: Box, port: int) -> Iterator[str]:
    """A URL, http://127.0.0.1:LOCAL, that leads to 127.0.0.1:`port` on the box."""
    local = _free_port()
    forward = f"127.0.0.1:{local}:127.0.0.1:{port}"
    options = ("-N", "-o", "ExitOnForwardFailure=yes", "-L", forward)
    process = subprocess.Popen(ssh.arguments(box.address, ssh.USER, *options))
    try:
        _await(local)
        yield f"http://127.0.0.1:{local}"
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
