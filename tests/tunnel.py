"""Reach what listens on a box's own loopback, as its users would from the box itself."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.boxes import Box, ssh
from tests.ports import await_port, free_port


@contextmanager
def tunnel(box: Box, port: int) -> Iterator[str]:
    """A URL, http://127.0.0.1:LOCAL, that leads to 127.0.0.1:`port` on the box."""
    local = free_port()
    forward = f"127.0.0.1:{local}:127.0.0.1:{port}"
    options = ("-N", "-o", "ExitOnForwardFailure=yes", "-L", forward)
    process = subprocess.Popen(ssh.arguments(box.address, ssh.USER, *options))
    try:
        await_port(local, seconds=10)
        yield f"http://127.0.0.1:{local}"
    finally:
        process.terminate()
        process.wait()
