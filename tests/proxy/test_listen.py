import asyncio
import os
import socket

import pytest
from whisper_proxy import listen
from whisper_proxy.connections import Connections
from whisper_proxy.listen import Listener, inherited_sockets, listening_sockets, open_sockets


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


async def greeting(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"},
    ],
)
def test_sockets_of_others_are_left_alone(environment: dict[str, str]) -> None:
    assert inherited_sockets(environment) == []
    assert environment == {}


def test_systemds_sockets_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as systemds:
        monkeypatch.setattr(listen, "FIRST_FD", os.dup(systemds.fileno()))
        environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"}
        (taken,) = listening_sockets("192.0.2.1", 1, environment)
        with taken:
            assert taken.getsockname() == systemds.getsockname()
            assert not taken.get_inheritable()
    assert environment == {}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_of_its_own(host: str) -> None:
    (one,) = open_sockets(host, 0)
    with one:
        assert one.getsockname()[0] == host


async def test_connections_are_taken() -> None:
    (one,) = open_sockets("127.0.0.1", 0)
    port = one.getsockname()[1]
    listener = Listener([one], Greeter, Connections(1000, 30))
    listener.start()
    assert await asyncio.gather(*(greeting(port) for _ in range(50))) == [b"hello"] * 50
    await listener.stop()
    with pytest.raises(ConnectionRefusedError):
        await greeting(port)


async def test_stopping_drops_nobody() -> None:
    """Connections that come while it stops are either served or wait for the next."""
    (mine,) = open_sockets("127.0.0.1", 0)
    with mine.dup() as systemds:
        port = systemds.getsockname()[1]
        listener = Listener([mine], Greeter, Connections(1000, 30))
        listener.start()
        asking = [asyncio.create_task(greeting(port)) for _ in range(100)]
        for _ in range(3):
            await asyncio.sleep(0)
        await listener.stop()
        following = Listener([systemds.dup()], Greeter, Connections(1000, 30))
        following.start()
        assert await asyncio.wait_for(asyncio.gather(*asking), 5) == [b"hello"] * 100
        await following.stop()


async def test_out_of_descriptors_it_pauses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listen, "ACCEPT_RETRY_SECONDS", 0.01)

    class Scarce(socket.socket):
        refusals = 2

        def accept(self) -> tuple[socket.socket, object]:
            if self.refusals:
                self.refusals -= 1
                raise OSError(24, "Too many open files")
            return super().accept()

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listener = Listener([Scarce(fileno=server.detach())], Greeter, Connections(1000, 30))
    listener.start()
    assert await greeting(port) == b"hello"
    await listener.stop()
    assert caplog.messages == ["cannot accept connections: Too many open files"] * 2
