"""whisper-server is killed and restarted under steady load, and the answers are counted."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from . import processes
from .clients import Tally, transcribe
from .processes import Proxy, Whisper

pytestmark = pytest.mark.slow

KILLS = 50
RESTARTS = 20
CLIENTS = 6
INFERENCE_SECONDS = 0.02
SEED = 3
# A request whose inference was killed is retried first. It must be answered before the next kill,
# as a request that loses whisper-server twice is taken for the cause, and refused.
ANSWERS_BETWEEN = 3
PATIENCE_SECONDS = 60.0


@pytest.fixture
def whisper() -> Iterator[Whisper]:
    with processes.whisper(INFERENCE_SECONDS) as running:
        yield running


@pytest.fixture
def proxy(whisper: Whisper, tmp_path: Path) -> Iterator[Proxy]:
    with processes.proxy(whisper.url, tmp_path) as running:
        yield running


async def steady(url: str, tally: Tally, done: asyncio.Event) -> None:
    """Send requests until `done` is set, and wait for those in flight."""

    async def client(session: aiohttp.ClientSession) -> None:
        while not done.is_set():
            await transcribe(session, url, tally)

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(client(session))


async def until_answered(tally: Tally, count: int) -> None:
    """Wait for this many more answers, or a failure; TimeoutError if neither comes."""
    goal = tally.answered + count
    async with asyncio.timeout(PATIENCE_SECONDS):
        while tally.answered < goal and not tally.failures:
            await asyncio.sleep(0.002)


async def under_requests(url: str, times: int, fault: Callable[[], Awaitable[None]]) -> Tally:
    """Cause a fault this many times, at random moments, while clients send requests."""
    tally, done = Tally(), asyncio.Event()
    chance = random.Random(SEED)
    async with asyncio.TaskGroup() as group:
        group.create_task(steady(url, tally, done))
        try:
            for _ in range(times):
                await until_answered(tally, ANSWERS_BETWEEN)
                await asyncio.sleep(chance.uniform(0, 2 * INFERENCE_SECONDS))
                await fault()
            await until_answered(tally, ANSWERS_BETWEEN)
        finally:
            done.set()
    return tally


async def metric(url: str, name: str) -> float:
    """Return a value from /metrics."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        lines = (await response.text()).splitlines()
    (line,) = (line for line in lines if line.startswith(f"whisper_proxy_{name} "))
    return float(line.split()[1])


async def test_50_kills_lose_nothing(whisper: Whisper, proxy: Proxy) -> None:
    async def kill() -> None:
        assert whisper.end(signal.SIGKILL) == -signal.SIGKILL
        whisper.start()

    tally = await under_requests(proxy.url, KILLS, kill)
    lost = round(await metric(proxy.url, "upstream_lost_total"))
    print(f"{KILLS} kills, {lost} of them in mid-inference. {tally}")
    tally.check()
    assert tally.refused == 0
    assert lost > KILLS / 2  # otherwise this test tests little


async def test_20_restarts_lose_nothing(whisper: Whisper, proxy: Proxy) -> None:
    async def restart() -> None:
        assert await asyncio.to_thread(whisper.end, signal.SIGTERM) == 0
        await asyncio.sleep(INFERENCE_SECONDS)  # so that some requests find nobody listening
        whisper.start()

    tally = await under_requests(proxy.url, RESTARTS, restart)
    print(f"{RESTARTS} restarts. {tally}")
    tally.check()
    assert tally.refused == 0


async def test_a_hang_loses_nothing(
    whisper: Whisper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """whisper-server is stopped, and what stands in for systemctl kills it, half a minute later."""
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\nkill -KILL $(cat {tmp_path}/pid)\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    flags = ("--upstream-unit", "voicemode-whisper.service", "--max-wait", "120")
    with processes.proxy(whisper.url, tmp_path, flags) as proxy:
        tally, done = Tally(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(steady(proxy.url, tally, done))
            try:
                await until_answered(tally, ANSWERS_BETWEEN)
                (tmp_path / "pid").write_text(str(whisper.hang()))
                await asyncio.to_thread(whisper.wait_until_killed)
                whisper.start()
                await until_answered(tally, ANSWERS_BETWEEN)
            finally:
                done.set()
        print(f"1 hang. {tally}")
        tally.check()
        assert tally.refused == 0
        assert await metric(proxy.url, "upstream_hung_total") == 1
