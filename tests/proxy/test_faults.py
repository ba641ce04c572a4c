"""whisper-server is killed and restarted under steady load, and the answers are counted."""

import asyncio
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


async def times_lost(url: str) -> int:
    """Return how often the proxy counted a lost connection to whisper-server."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        lines = (await response.text()).splitlines()
    (line,) = (line for line in lines if line.startswith("whisper_proxy_upstream_lost_total "))
    return round(float(line.split()[1]))


async def test_50_kills_lose_nothing(whisper: Whisper, proxy: Proxy) -> None:
    async def kill() -> None:
        assert whisper.end(signal.SIGKILL) == -signal.SIGKILL
        whisper.start()

    tally = await under_requests(proxy.url, KILLS, kill)
    lost = await times_lost(proxy.url)
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
