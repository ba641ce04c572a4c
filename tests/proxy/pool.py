"""A pool on loopback: a gateway, the real HAProxy, and members, each of them processes.

A member is the real proxy before the echoing fake whisper-server.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp

from tests.ports import free_port
from voicemode_whisper.core.pool import Member, Pool, haproxy_config
from voicemode_whisper.resources import TEMPLATES

from . import haproxy
from .processes import ACTIVATE, END_SECONDS, FILES, Whisper

READY_SECONDS = 20.0
TEMPLATE = (TEMPLATES / "haproxy.cfg.j2").read_text()


class Proxy:
    """A `python -m whisper_proxy` whose socket stays open while it is started again."""

    def __init__(self, name: str, folder: Path, *flags: str) -> None:
        self._held = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._held.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        held = str(self._held.fileno())
        proxy = (sys.executable, "-W", "error", "-m", "whisper_proxy", *self._flags)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-I", "-S", "-c", ACTIVATE, held, *proxy),
                pass_fds=[self._held.fileno()],
                stderr=log,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(FILES)},
            )

    def send(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.send(number)
        assert self._process
        try:
            return self._process.wait(END_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        if self._process:
            self.send(signal.SIGCONT)
            self.end(signal.SIGKILL)
        self._held.close()


class Machine:
    """A member: its whisper-server and its proxy."""

    def __init__(self, name: str, folder: Path, seconds: float) -> None:
        self.name = name
        self.whisper = Whisper(seconds)
        self.proxy = Proxy(name, folder, "--upstream", self.whisper.url)

    def start(self) -> None:
        self.whisper.start()
        self.proxy.start()

    def close(self) -> None:
        self.proxy.close()
        self.whisper.end(signal.SIGKILL)


class Haproxy:
    """The real HAProxy, as a service would run it."""

    def __init__(self, pool: Pool, folder: Path) -> None:
        self._config = folder / "haproxy.cfg"
        self._config.write_text(haproxy_config(pool, TEMPLATE))
        self._log = folder / "haproxy.log"
        self._socket = Path(pool.runtime_socket)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                (haproxy.program(), "-W", "-f", str(self._config)),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until it takes requests; AssertionError if it ends or never does."""
        assert self._process
        deadline = time.monotonic() + READY_SECONDS
        while not self._socket.exists():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.005)

    def reload(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGUSR2)

    def kill(self) -> None:
        """End it and its worker at once."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def ask(self, command: str) -> str:
        """Return what the runtime socket answers."""
        with socket.socket(socket.AF_UNIX) as runtime:
            runtime.connect(str(self._socket))
            runtime.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: runtime.recv(65536), b"")).decode()


class Cluster:
    """All of it."""

    def __init__(self, folder: Path, seconds: Sequence[float], *flags: str) -> None:
        self.machines = [Machine(f"m{n}", folder, each) for n, each in enumerate(seconds)]
        members = tuple(Member(one.name, "127.0.0.1", one.proxy.port) for one in self.machines)
        self.haproxy = Haproxy(Pool(members, str(folder), stats_port=free_port()), folder)
        self.gateway = Proxy("gateway", folder, "--pool", str(folder), *flags)

    def start(self) -> None:
        for machine in self.machines:
            machine.start()
        self.haproxy.start()
        self.gateway.start()

    async def health(self) -> dict[str, object]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.gateway.url}/health") as response,
        ):
            found: dict[str, object] = await response.json()
            return found

    async def until(self, status: str) -> dict[str, object]:
        """Return what /health says once it has this status."""
        deadline = time.monotonic() + READY_SECONDS
        while (health := await self.health())["status"] != status:
            assert time.monotonic() < deadline, health
            await asyncio.sleep(0.05)
        return health


@contextmanager
def cluster(*seconds: float, flags: Sequence[str] = ()) -> Iterator[Cluster]:
    """Run a pool of members whose inferences take so many seconds each."""
    # Not pytest's folder, whose path is too long for a socket.
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pool-")))
        pool = Cluster(folder, seconds, *flags)
        for machine in pool.machines:
            stack.callback(machine.close)
        stack.callback(pool.gateway.close)
        pool.start()
        stack.callback(pool.haproxy.kill)
        pool.haproxy.wait_until_ready()
        for machine in pool.machines:
            machine.whisper.wait_until_ready()
        yield pool
