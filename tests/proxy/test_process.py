"""The process itself, as the service unit starts it."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from tests.ports import free_port

from . import fake_whisper as fake
from .certificates import authority, issued
from .fake_whisper import FakeWhisper
from .processes import ACTIVATE
from .samples import form

FILES = Path(__file__).parents[2] / "files"
Process = asyncio.subprocess.Process
Start = Callable[..., Coroutine[Any, Any, Process]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start the proxy with these flags and variables; kill it at the end if it still runs."""
    started: list[Process] = []

    async def run(*flags: str, **variables: str) -> Process:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FILES)} | variables
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "whisper_proxy", *flags),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def finished(process: Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 10)
    return process.returncode, out.decode(), err.decode()


async def listening(process: Process) -> str:
    assert process.stderr
    line = await asyncio.wait_for(process.stderr.readline(), 10)
    assert b"listening on" in line
    return line.decode()


async def transcribe(session: aiohttp.ClientSession, url: str) -> object:
    async with session.post(url, data=form()) as response:
        return await response.json()


async def before(whisper_server: TestServer, start: Start, *flags: str) -> tuple[Process, str]:
    """A proxy before this whisper-server, and where it takes recordings."""
    port = str(free_port())
    process = await start("--port", port, "--upstream", fake.address(whisper_server), *flags)
    await listening(process)
    return process, f"http://127.0.0.1:{port}/v1/audio/transcriptions"


async def test_help_names_every_setting(start: Start) -> None:
    status, out, err = await finished(await start("--help"))
    assert (status, err) == (0, "")
    words = " ".join(out.split())
    for setting in (
        "--host HOST address to listen on, unless systemd passes a socket [WHISPER_PROXY_HOST;",
        "[WHISPER_PROXY_PORT; default: 2023]",
        "[WHISPER_PROXY_UPSTREAM; default: http://127.0.0.1:2022]",
        "[WHISPER_PROXY_MODEL; default: whisper-1]",
        "--max-wait MAX_WAIT seconds to wait for a turn, or",
        "[WHISPER_PROXY_API_KEY_FILE; default: none]",
    ):
        assert setting in words


@pytest.mark.parametrize(
    ("flags", "variables", "line"),
    [
        (
            ["--port", "x"],
            {},
            "--port is 'x', but must be a whole number from 1 to 65535",
        ),
        (
            [],
            {"WHISPER_PROXY_UPSTREAM": "box:2022"},
            "WHISPER_PROXY_UPSTREAM is 'box:2022', but must be http://HOST:PORT, without a path",
        ),
    ],
)
async def test_a_bad_setting_is_one_line(
    start: Start, flags: list[str], variables: dict[str, str], line: str
) -> None:
    status, out, err = await finished(await start(*flags, **variables))
    assert (status, out, err) == (2, "", f"whisper_proxy: {line}\n")


async def test_an_unknown_flag_is_refused(start: Start) -> None:
    status, _, err = await finished(await start("--por", "2023"))
    assert status == 2
    assert "unrecognized arguments: --por" in err


async def test_a_port_in_use_is_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        status, out, err = await finished(await start("--port", port))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "cannot listen" in err
    assert port in err
    assert "in use" in err


async def test_an_address_of_another_machine_is_one_line(start: Start) -> None:
    status, _, err = await finished(await start("--host", "192.0.2.1"))
    assert (status, err.count("\n")) == (1, 1)
    assert "cannot listen" in err


async def test_it_says_where_it_listens_and_stops_at_once(start: Start) -> None:
    port = str(free_port())
    process = await start(WHISPER_PROXY_PORT=port)
    line = await listening(process)
    assert line == f"INFO listening on 127.0.0.1 port {port} for http://127.0.0.1:2022\n"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/") as response,
    ):
        await response.read()
        process.send_signal(signal.SIGTERM)  # with an idle connection open
        status, out, _ = await finished(process)
    assert (status, out) == (0, "")


async def test_a_request_in_flight_is_answered_before_it_stops(
    start: Start, whisper: FakeWhisper, whisper_server: TestServer
) -> None:
    whisper.seconds = 0.5
    process, url = await before(whisper_server, start)
    async with aiohttp.ClientSession() as session:
        request = asyncio.create_task(transcribe(session, url))
        await asyncio.wait_for(whisper.started.wait(), 5)
        process.send_signal(signal.SIGTERM)
        assert fake.TEXT in str(await request)
    status, _, err = await finished(process)
    assert status == 0
    assert "Traceback" not in err


async def test_a_client_that_goes_away_ends_its_inference(
    start: Start, whisper: FakeWhisper, whisper_server: TestServer
) -> None:
    whisper.seconds = 30
    process, url = await before(whisper_server, start)
    async with aiohttp.ClientSession() as session:
        request = asyncio.create_task(transcribe(session, url))
        await asyncio.wait_for(whisper.started.wait(), 5)
        request.cancel()
        await asyncio.wait_for(whisper.aborted.wait(), 5)
    process.send_signal(signal.SIGTERM)
    status, _, err = await finished(process)
    assert status == 0
    assert "status=499 outcome=client_gone" in err
    assert "Traceback" not in err


@contextmanager
def systemd_socket() -> Iterator[socket.socket]:
    """A socket as systemd holds it: it stays open when the proxy exits."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield server


async def activated(held: socket.socket, *flags: str, **variables: str) -> Process:
    """Start the proxy with a socket as systemd does: as descriptor 3, for this process id."""
    command = (sys.executable, "-W", "error", "-m", "whisper_proxy", *flags)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FILES)} | variables
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ACTIVATE, str(held.fileno()), *command),
        pass_fds=[held.fileno()],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_restart_refuses_nobody_and_loses_nothing(
    scheme: str, whisper: FakeWhisper, whisper_server: TestServer, tmp_path: Path
) -> None:
    """Under steady requests, each on a connection of its own, the process is replaced 5 times."""
    whisper.seconds = 0.02
    flags = ["--upstream", fake.address(whisper_server)]
    trusted: ssl.SSLContext | bool = True
    if scheme == "https":
        ca = authority(tmp_path)
        pair = issued(tmp_path, ca, "server")
        flags += ["--tls-certificate", str(pair.certificate), "--tls-key", str(pair.key)]
        trusted = ssl.create_default_context(cafile=str(ca.certificate))
    answers: list[object] = []
    with systemd_socket() as held:
        url = f"{scheme}://127.0.0.1:{held.getsockname()[1]}/v1/audio/transcriptions"
        stop = asyncio.Event()

        async def ask_steadily() -> None:
            connector = aiohttp.TCPConnector(force_close=True, ssl=trusted)
            async with aiohttp.ClientSession(connector=connector) as session:
                while not stop.is_set():
                    answers.append(await transcribe(session, url))

        process = await activated(held, *flags)
        line = await listening(process)
        assert f"port {held.getsockname()[1]} for" in line
        clients = [asyncio.create_task(ask_steadily()) for _ in range(4)]
        for _ in range(5):
            await asyncio.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            status, _, err = await finished(process)
            assert (status, "Traceback" in err) == (0, False)
            assert "requests_cut_off=0" in err
            process = await activated(held, *flags)
            await listening(process)
        stop.set()
        await asyncio.gather(*clients)
        process.send_signal(signal.SIGTERM)
        await finished(process)
    assert len(answers) > 20
    assert all(fake.TEXT in str(answer) for answer in answers)


async def test_systemd_is_told(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        process = await start(
            *("--port", str(free_port())),
            NOTIFY_SOCKET=str(tmp_path / "notify"),
            WATCHDOG_USEC="60000000",
        )
        await listening(process)
        process.send_signal(signal.SIGTERM)
        await finished(process)
        told = {manager.recv(100) for _ in range(3)}
    assert told == {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}


async def test_an_upload_that_has_begun_ends_before_it_stops(
    start: Start, whisper_server: TestServer
) -> None:
    process, url = await before(whisper_server, start)
    payload = form()()
    headers = {"Content-Type": payload.headers["Content-Type"]}
    data = await payload.as_bytes()

    async def halves() -> AsyncIterator[bytes]:
        yield data[:100]
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.6)
        yield data[100:]

    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=halves(), headers=headers) as response,
    ):
        assert response.status == 200
    status, _, err = await finished(process)
    assert status == 0
    assert "requests_cut_off=0" in err


async def test_what_takes_too_long_is_cut_off(
    start: Start, whisper: FakeWhisper, whisper_server: TestServer
) -> None:
    whisper.seconds = 30
    process, url = await before(whisper_server, start, "--drain-timeout", "1")
    async with aiohttp.ClientSession() as session:
        request = asyncio.create_task(transcribe(session, url))
        await asyncio.wait_for(whisper.started.wait(), 5)
        process.send_signal(signal.SIGTERM)
        status, _, err = await finished(process)
        with pytest.raises(aiohttp.ClientError):
            await request
    assert status == 0
    assert "requests_cut_off=1" in err
    assert "Traceback" not in err


async def test_stalled_uploads_hold_up_nobody(start: Start, whisper_server: TestServer) -> None:
    _, url = await before(whisper_server, start, "--idle-timeout", "5")
    port = urlsplit(url).port
    head = (
        b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    )
    stalled = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    for _, writer in stalled:
        writer.write(head)
    async with aiohttp.ClientSession() as session:
        answer = await asyncio.wait_for(transcribe(session, url), 2)
    assert fake.TEXT in str(answer)
    for _, writer in stalled:
        writer.transport.abort()
