"""TCP ports of this machine: free ones, and those that a server is to listen on soon."""

import socket
import time


def free_port(address: str = "127.0.0.1") -> int:
    """A port on which nobody listens."""
    with socket.create_server((address, 0)) as probe:
        return int(probe.getsockname()[1])


def await_port(port: int, seconds: float, address: str = "127.0.0.1") -> None:
    """Return when somebody listens on it; OSError if nobody does after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
