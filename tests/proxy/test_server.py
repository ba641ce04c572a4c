"""Invalid HTTP, against the protocol class of the process; test_process.py tests the process."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from aiohttp import web
from whisper_proxy import connections
from whisper_proxy.app import create_app
from whisper_proxy.connections import Connections
from whisper_proxy.listen import Listener, open_sockets
from whisper_proxy.server import new_protocol, set_up
from whisper_proxy.settings import Settings

CONNECTIONS = 16
JUNK = {
    "a request line": b"junk\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a long header": b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "a bad length": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
}


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    settings = Settings(upstream="http://127.0.0.1:1", idle_timeout=1)
    runner = web.AppRunner(create_app(settings), handler_cancellation=True, shutdown_timeout=1)
    await set_up(runner)
    (one,) = open_sockets("127.0.0.1", 0)
    result: int = one.getsockname()[1]
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.1)
    open_ones = Connections(CONNECTIONS, settings.idle_timeout)
    watch = asyncio.create_task(open_ones.watch())
    listener = Listener([one], lambda: new_protocol(runner, settings, open_ones), open_ones)
    listener.start()
    yield result
    watch.cancel()
    await listener.stop()
    await runner.cleanup()


async def exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


@pytest.mark.parametrize("case", JUNK)
async def test_junk_is_a_400_and_one_line(
    port: int, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = await exchange(port, JUNK[case])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head[8:13] == b" 400 "
    assert b"x-request-id: req_" in head
    assert json.loads(body)["error"]["code"] == "invalid_http"
    assert "Traceback" not in caplog.text
    assert caplog.text.count("outcome=invalid_http") == 1


@pytest.mark.parametrize("begun", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nX: y\r\n"])
async def test_a_connection_on_which_nothing_comes_is_closed(port: int, begun: bytes) -> None:
    assert await exchange(port, begun) == b""


@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"])
async def test_a_broken_body_is_a_400_and_leaves_no_trace(
    port: int, framing: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head = (
        b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n"
    )
    length = b"" if b"chunked" in framing else b"Content-Length: 4\r\n"
    answer = await exchange(port, head + length + framing + b"\r\n\r\nzz\r\n")
    assert answer[8:13] == b" 400 "
    assert b'"invalid_' in answer
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("path", [b"/health", b"/nowhere"])
@pytest.mark.parametrize("expected", [b"200-maybe", b"\xfc\xff"])
async def test_an_unknown_expectation_is_a_417_and_one_line(
    port: int, path: bytes, expected: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    request = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nExpect: " + expected + b"\r\n\r\n"
    answer = await exchange(port, request)
    assert answer[8:13] == b" 417 "
    assert b"x-request-id: req_" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "unknown_expectation"
    assert "Traceback" not in caplog.text
    assert caplog.text.count("outcome=unknown_expectation") == 1


async def outcome(port: int, data: bytes, caplog: pytest.LogCaptureFixture) -> str:
    """Return what the log says; the answer may be lost, as more of the request is under way."""
    caplog.set_level(logging.INFO)
    with suppress(ConnectionError):
        await exchange(port, data)
    (line,) = (message for message in caplog.messages if "outcome=" in message)
    return line.partition("outcome=")[2].split()[0]


async def test_headers_without_an_end_are_cut_off(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"GET / HTTP/1.1\r\n" + b"X: %s\r\n" % (b"x" * 8000) * 20
    assert await outcome(port, head, caplog) == "invalid_http"


async def test_large_headers_that_end_are_read(port: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"X: %s\r\n" % (b"x" * 8000) * 4
    assert (await exchange(port, head + b"\r\n"))[8:13] == b" 200 "


CHUNKED = (
    b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
)
FILE = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
FORM = FILE + bytes(100_000) + b"\r\n--b--\r\n"


def chunked(body: bytes, size: int) -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, "invalid_body"), (4, "invalid_body"), (40, "undecodable_audio")],
)
async def test_chunks_of_a_few_bytes_are_cut_off(
    port: int, size: int, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With larger ones the form is read, which holds no audio."""
    assert await outcome(port, CHUNKED + chunked(FORM, size), caplog) == expected


async def test_a_body_that_nobody_reads_does_not_spoil_the_next_request(port: int) -> None:
    body = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + bytes(500_000)
    answer = await exchange(port, body + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer[8:13] == b" 404 "
    assert b"HTTP/1.1 200 " in answer


async def test_the_oldest_idle_connection_makes_room(port: int) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await exchange(port, request))[8:13] == b" 200 "
    assert await asyncio.wait_for(idle[0][0].read(), 0.5) == b""
    assert not idle[-1][0].at_eof()
    for _, writer in idle:
        writer.close()


async def test_an_answer_that_nobody_reads_is_given_up(port: int) -> None:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", port))
    requests = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n" * 100

    async def ask_on() -> None:
        while True:
            await loop.sock_sendall(connection, requests)

    with connection, pytest.raises(ConnectionError):
        await asyncio.wait_for(ask_on(), 20)


async def test_asyncio_reads_as_much_as_it_is_told() -> None:
    """The size is an attribute of its transports: this would show that it no longer is."""
    taken: list[int] = []

    class Reader(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            setattr(transport, "max_size", 10)  # noqa: B010

        def data_received(self, data: bytes) -> None:
            taken.append(len(data))

    one, other = socket.socketpair()
    with other:
        other.sendall(bytes(25))
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(Reader, one)
        await asyncio.sleep(0.05)
        transport.close()
    assert taken == [10, 10, 5]
