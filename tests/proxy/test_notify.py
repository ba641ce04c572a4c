import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from whisper_proxy.notify import Notifier


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as result:
        result.settimeout(5)
        yield result


def test_a_socket_in_the_file_system(manager: socket.socket, tmp_path: Path) -> None:
    manager.bind(str(tmp_path / "notify"))
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}).send("READY=1")
    assert manager.recv(100) == b"READY=1"


def test_an_abstract_socket(manager: socket.socket) -> None:
    manager.bind(f"\0whisper-proxy-{os.getpid()}")
    Notifier({"NOTIFY_SOCKET": f"@whisper-proxy-{os.getpid()}"}).send("READY=1")
    assert manager.recv(100) == b"READY=1"


def test_there_may_be_nobody_to_tell() -> None:
    Notifier({}).send("READY=1")
    Notifier({"NOTIFY_SOCKET": "/nonexistent/socket"}).send("READY=1")


async def test_the_watchdog_is_fed_at_half_its_time(manager: socket.socket, tmp_path: Path) -> None:
    manager.bind(str(tmp_path / "notify"))
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}
    feeding = asyncio.create_task(Notifier(environment).keep_alive())
    await asyncio.sleep(0.17)
    feeding.cancel()
    manager.setblocking(False)
    fed = []
    while True:
        try:
            fed.append(manager.recv(100))
        except BlockingIOError:
            break
    assert set(fed) == {b"WATCHDOG=1"}
    assert 2 <= len(fed) <= 4


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}],
)
async def test_without_a_watchdog_nothing_is_fed(environment: dict[str, str]) -> None:
    await asyncio.wait_for(Notifier(environment).keep_alive(), 1)
