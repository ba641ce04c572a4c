"""Invalid HTTP, against the protocol class of the process; test_process.py tests the process."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from whisper_proxy.app import create_app
from whisper_proxy.connections import Connections
from whisper_proxy.listen import Listener, open_sockets
from whisper_proxy.server import new_protocol, set_up
from whisper_proxy.settings import Settings

JUNK = {
    "a request line": b"junk\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a long header": b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "a bad length": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
}


@pytest.fixture
async def port() -> AsyncIterator[int]:
    settings = Settings(upstream="http://127.0.0.1:1", idle_timeout=1)
    runner = web.AppRunner(create_app(settings), handler_cancellation=True, shutdown_timeout=1)
    await set_up(runner)
    (one,) = open_sockets("127.0.0.1", 0)
    result: int = one.getsockname()[1]
    connections = Connections(16, settings.idle_timeout)
    listener = Listener([one], lambda: new_protocol(runner, settings, connections), connections)
    listener.start()
    yield result
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
