"""The real proxy and the echoing fake whisper-server, each as a process, on loopback."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

from . import echo_whisper

FILES = Path(__file__).parents[2] / "files"
READY_SECONDS = 20.0
END_SECONDS = 20.0
# From the end of a request until its socket and files are closed.
SETTLING_SECONDS = 5.0
# The only lines allowed in the log, however odd the requests: anything else is a traceback or was
# injected.
EXPECTED_LINES = re.compile(
    r"INFO (request id=req_[0-9a-f]{32} .*|listening on .*|no TLS with \S+: [\w', -]+|"
    r"stopping: requests_cut_off=\d+)"
)

# Run as `python -c ACTIVATE FD PROGRAM...`: hands over a listening socket as systemd does, as
# descriptor 3 and for this process id.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def wait_for_port(port: int, process: subprocess.Popen[bytes], host: str = "127.0.0.1") -> None:
    """Wait until a started process listens; AssertionError if it ends or never does."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended with status {process.returncode}"
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.005)
        else:
            return
    raise AssertionError(f"nothing listens on port {port}")


class Whisper:
    """The fake whisper-server on a fixed port; it can be killed, stopped and started."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        script = str(Path(echo_whisper.__file__))
        # -I -S: skip the search for packages, to start quickly.
        command = [sys.executable, "-I", "-S", script, str(self.port), str(self._seconds)]
        self._process = subprocess.Popen(command)

    def wait_until_ready(self) -> None:
        assert self._process
        wait_for_port(self.port, self._process)

    def hang(self) -> int:
        """Stop it: the kernel takes connections for it, and nothing answers. Return its id."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        return self._process.pid

    def wait_until_killed(self) -> None:
        assert self._process
        assert self._process.wait(2 * READY_SECONDS + END_SECONDS) == -signal.SIGKILL

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        assert self._process
        self._process.send_signal(number)
        try:
            return self._process.wait(END_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()


@contextmanager
def whisper(seconds: float = 0.0) -> Iterator[Whisper]:
    """Run the fake; each inference takes this many seconds."""
    server = Whisper(seconds)
    server.start()
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.end(signal.SIGKILL)


class Proxy:
    """A running `python -m whisper_proxy`."""

    def __init__(self, process: subprocess.Popen[bytes], host: str, port: int, log: Path) -> None:
        self.host = host
        self.port = port
        self.url = f"http://{host}:{port}"
        self.pid = process.pid
        self._process = process
        self._log = log
        self._read = 0

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def unexpected_lines(self) -> list[str]:
        """Return new lines of its standard error that are not about requests."""
        with self._log.open(errors="replace") as log:
            log.seek(self._read)
            lines = log.read().split("\n")
            self._read = log.tell()
        return [line for line in lines if line and not EXPECTED_LINES.fullmatch(line)]

    def peak_mib(self) -> float:
        """Return its peak resident memory so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def children(self) -> list[str]:
        """Return the ids of its running child processes."""
        pid = self._process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def check_nothing_is_left(self) -> None:
        """No processes, sockets and files of requests remain, a moment after they ended."""
        deadline = time.monotonic() + SETTLING_SECONDS
        # Standard streams, epoll and its wake-up, the listener, a look at whisper-server's health.
        while self.children() or self.descriptors() > 16:
            assert time.monotonic() < deadline, (self.children(), self.descriptors())
            time.sleep(0.05)


@contextmanager
def proxy(
    upstream: str,
    folder: Path,
    flags: Sequence[str] = (),
    host: str = "127.0.0.1",
    **variables: str,
) -> Iterator[Proxy]:
    """Run the proxy in front of a whisper-server, log to a folder, and end it with SIGTERM."""
    port = free_port()
    log = folder / "proxy.log"
    command = [sys.executable, "-W", "error", "-m", "whisper_proxy", *flags]
    command += ["--host", host, "--port", str(port), "--upstream", upstream]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FILES), **variables}
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr, env=environment)
    try:
        wait_for_port(port, process, host)
        yield Proxy(process, host, port, log)
        process.terminate()
        assert process.wait(END_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
