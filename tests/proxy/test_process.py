"""The process itself, as the service unit starts it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from . import fake_whisper as fake
from .fake_whisper import FakeWhisper
from .samples import form

FILES = Path(__file__).parents[2] / "files"
Process = asyncio.subprocess.Process
Start = Callable[..., Coroutine[Any, Any, Process]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start the proxy with these flags and variables; what still runs at the end is killed."""
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


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


async def test_help_names_every_setting(start: Start) -> None:
    status, out, err = await finished(await start("--help"))
    assert (status, err) == (0, "")
    words = " ".join(out.split())
    for setting in (
        "--host HOST address to listen on [WHISPER_PROXY_HOST; default: 127.0.0.1]",
        "--port PORT port to listen on [WHISPER_PROXY_PORT; default: 2023]",
        "[WHISPER_PROXY_UPSTREAM; default: http://127.0.0.1:2022]",
        "[WHISPER_PROXY_MODEL; default: whisper-1]",
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
    port = free_port()
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
    port = free_port()
    upstream = str(whisper_server.make_url("/")).rstrip("/")
    process = await start("--port", port, "--upstream", upstream)
    await listening(process)
    url = f"http://127.0.0.1:{port}/v1/audio/transcriptions"
    async with aiohttp.ClientSession() as session:
        request = asyncio.create_task(transcribe(session, url))
        await asyncio.wait_for(whisper.started.wait(), 5)
        process.send_signal(signal.SIGTERM)
        assert await request == {"text": fake.TEXT}
    status, _, err = await finished(process)
    assert status == 0
    assert "Traceback" not in err


async def test_a_client_that_goes_away_ends_its_inference(
    start: Start, whisper: FakeWhisper, whisper_server: TestServer
) -> None:
    whisper.seconds = 30
    port = free_port()
    upstream = str(whisper_server.make_url("/")).rstrip("/")
    process = await start("--port", port, "--upstream", upstream)
    await listening(process)
    url = f"http://127.0.0.1:{port}/v1/audio/transcriptions"
    async with aiohttp.ClientSession() as session:
        request = asyncio.create_task(transcribe(session, url))
        await asyncio.wait_for(whisper.started.wait(), 5)
        request.cancel()
        await asyncio.wait_for(whisper.aborted.wait(), 5)
    process.send_signal(signal.SIGTERM)
    status, _, err = await finished(process)
    assert status == 0
    assert " 499 " in err
    assert "Traceback" not in err
