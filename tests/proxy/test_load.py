"""Two hundred concurrent clients for one GPU, and clients that stall."""

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from . import health_clock, processes, raw
from .clients import Tally, transcribe
from .malformed import SPEECH, speech
from .processes import Proxy

pytestmark = [pytest.mark.slow, pytest.mark.alone]

CLIENTS = 200
QUEUE = 32
ROUNDS = 3
INFERENCE_SECONDS = 0.1  # typical for a sentence on a GPU
HEALTH_P99_MS = 50.0
# While 200 uploads arrive at the same instant.
HEALTH_MAX_MS = 1000.0
# A sentence fits into a spool's memory, a minute of speech does not.
SENTENCE_SECONDS, MINUTE_SECONDS = 11.0, 60.0
# Python and its modules take 40. Each client may have half a MiB of its recording in memory, and
# half of that again received but not yet in the spool.
PEAK_MIB = 40 + CLIENTS * 0.75
STALLED = 8
NINTH_REQUESTS = 15


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    flags = ("--queue", str(QUEUE))
    with (
        processes.whisper(INFERENCE_SECONDS) as whisper,
        processes.proxy(whisper.url, tmp_path, flags) as running,
    ):
        yield running


@contextmanager
def health_timed(port: int) -> Iterator[list[float]]:
    """Time /health during the context; the list is filled with milliseconds at its end."""
    command = [sys.executable, "-I", "-S", health_clock.__file__, str(port)]
    taken: list[float] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as clock:
        try:
            yield taken
            output, _ = clock.communicate(timeout=raw.PATIENCE_SECONDS)
            taken += json.loads(output)
        finally:
            clock.kill()


async def at_once(url: str, tally: Tally, seconds: float) -> None:
    """Let all clients send at once, each on its own connection, and wait for the answers."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        asyncio.TaskGroup() as clients,
    ):
        for _ in range(CLIENTS):
            clients.create_task(transcribe(session, url, tally, seconds))


def check_load(proxy: Proxy, tally: Tally, rounds: int) -> None:
    """Each client got a text or a 503, there were some of both, and memory stayed in bounds."""
    tally.check()
    assert tally.sent == rounds * CLIENTS
    assert tally.answered > rounds * QUEUE
    assert tally.refused > 0  # otherwise the queue was never full
    assert proxy.peak_mib() < PEAK_MIB
    assert proxy.unexpected_lines() == []


async def test_200_at_once_get_their_text_or_a_503(proxy: Proxy) -> None:
    tally = Tally()
    with health_timed(proxy.port) as health:
        for _ in range(ROUNDS):
            await at_once(proxy.url, tally, SENTENCE_SECONDS)
    p99 = statistics.quantiles(health, n=100)[98]
    print(f"{tally}. /health: {len(health)} times, p99 {p99:.1f} ms", end=", ")
    print(f"max {max(health):.1f} ms. Peak memory {proxy.peak_mib():.0f} MiB")
    check_load(proxy, tally, ROUNDS)
    assert p99 < HEALTH_P99_MS
    assert max(health) < HEALTH_MAX_MS


async def test_uploads_that_are_larger_take_no_more_memory(proxy: Proxy) -> None:
    tally = Tally()
    await at_once(proxy.url, tally, MINUTE_SECONDS)
    print(f"{tally}. Peak memory {proxy.peak_mib():.0f} MiB")
    check_load(proxy, tally, 1)


@contextmanager
def stalled_uploads(proxy: Proxy) -> Iterator[None]:
    """Hold half-sent uploads open."""
    request = raw.post(raw.TRANSCRIPTIONS, raw.FORM, speech())[: -len(SPEECH) // 2]
    open_ones = [socket.create_connection((proxy.host, proxy.port)) for _ in range(STALLED)]
    try:
        for one in open_ones:
            one.sendall(request)
        yield
        for one in open_ones:
            one.setblocking(False)
            with pytest.raises(BlockingIOError):
                one.recv(1)  # neither answered nor cut off in the meantime
    finally:
        for one in open_ones:
            one.close()


async def median_ms(url: str) -> float:
    """Return the median latency of a single client."""
    tally = Tally()
    taken = []
    async with aiohttp.ClientSession() as session:
        for _ in range(NINTH_REQUESTS):
            started = time.perf_counter()
            await transcribe(session, url, tally)
            taken.append((time.perf_counter() - started) * 1000)
    tally.check()
    assert tally.answered == NINTH_REQUESTS
    return statistics.median(taken)


async def test_8_stalled_uploads_do_not_slow_a_ninth_client(proxy: Proxy) -> None:
    alone = await median_ms(proxy.url)
    with stalled_uploads(proxy):
        beside = await median_ms(proxy.url)
    print(f"median alone {alone:.1f} ms, beside {STALLED} stalled uploads {beside:.1f} ms")
    # Allows for noise; waiting for a stalled upload would take seconds.
    assert beside < 1.5 * alone + 10
