"""The processes that are measured: each on a free port of loopback, ended with its context."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
START_SECONDS = 15.0
STOP_SECONDS = 5.0


class BenchError(Exception):
    """Why nothing could be measured, in a line."""


@dataclass(frozen=True)
class Launch:
    """A command line, and what it finds in its environment beside PATH and TMPDIR."""

    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """A process that listens."""

    port: int
    pid: int


def system_program(name: str) -> str | None:
    """Return the path of a program that Debian has for root, None where it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def running(launch: Launch, port: int, temporary: Path) -> Iterator[Server]:
    """Give a server once it listens; at the end it and its children are gone."""
    log = temporary / f"{port}.log"
    with ExitStack() as stack:
        with _undisturbed():
            process = _start(launch, log, temporary)
            stack.callback(_end, process)
        _await(process, port, log)
        yield Server(port, process.pid)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put Ctrl-C off: it might come when a process runs that is not yet known, or half ended."""
    interrupts: list[int] = []
    before = {one: signal.signal(one, lambda n, _: interrupts.append(n)) for one in INTERRUPTS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    if interrupts:
        raise KeyboardInterrupt


def _start(launch: Launch, log: Path, temporary: Path) -> "subprocess.Popen[bytes]":
    # A session of its own: Ctrl-C is for the bench, which then ends the group.
    with log.open("wb") as output:
        return subprocess.Popen(
            launch.command,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(temporary)} | launch.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip().splitlines()[-3:]
            command = " ".join(map(str, process.args))  # type: ignore[arg-type]
            raise BenchError(f"{command} does not listen: {' / '.join(said)}")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(process: "subprocess.Popen[bytes]") -> None:
    with _undisturbed():
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def peak_bytes(pid: int) -> int:
    """Return the peak resident memory of a process and those of its children that still live.

    Their peaks are added, as if all were at once: VmHWM in proc(5), which counts in KiB.
    """
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return high_water(Path(f"/proc/{pid}/status").read_text()) + sum(
        peak_bytes(int(child)) for child in children
    )


def high_water(status: str) -> int:
    """Return VmHWM of a /proc/PID/status, in bytes."""
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024
