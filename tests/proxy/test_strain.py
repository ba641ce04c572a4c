"""Clients that take all they can get, before the real process: others are still served.

Three seconds of each kind in `make test`, eight in `make soak`.
"""

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from . import fleet, health_clock, processes, raw
from .clients import Tally, transcribe
from .processes import Proxy
from .samples import silence

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.sampled]

CLIENTS = 30
SECONDS = 8.0 if "SOAK_SECONDS" in os.environ else 3.0
# Those who break off send 200 uploads of a megabyte a second, which is honest work for the disk: a
# burst of thirty takes the loop a sixth of a second.
HEALTH_P99_MS = {"abort": 1000.0}
GAP_MS = 1000.0  # of the event loop
# What a common host gives at least: here, to run out of it.
DESCRIPTORS = 60
SETTLING_SECONDS = 20.0
LARGE = silence(60.0)
TOO_MUCH = {503, 507}


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with (
        processes.whisper() as whisper,
        processes.proxy(whisper.url, tmp_path, ("--idle-timeout", "2")) as running,
    ):
        yield running


@contextmanager
def misbehaving(proxy: Proxy, kinds: Sequence[str], seconds: float = SECONDS) -> Iterator[None]:
    """Run a fleet of these kinds during the context, for so many seconds."""
    command = [sys.executable, "-I", "-S", fleet.__file__, str(proxy.port), str(seconds), *kinds]
    with subprocess.Popen(command) as running:
        try:
            yield
            assert running.wait() == 0
        finally:
            running.kill()


@dataclass
class Served:
    """What a well-behaved client got: answers, and the milliseconds that they took."""

    tally: Tally = field(default_factory=Tally)
    health: list[float] = field(default_factory=list)
    transcripts: list[float] = field(default_factory=list)


async def beside(proxy: Proxy, seconds: float) -> Served:
    """Ask for /health and transcribe, in turn, for so many seconds."""
    served, end = Served(), time.monotonic() + seconds
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end:
            served.health.append(await asyncio.to_thread(health_clock.once, proxy.port))
            started = time.monotonic()
            await transcribe(session, proxy.url, served.tally)
            served.transcripts.append((time.monotonic() - started) * 1000)
            await asyncio.sleep(0.02)
    return served


def p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100, method="inclusive")[98]


async def settled(proxy: Proxy) -> None:
    """Wait until no sockets and files of clients are left."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while proxy.descriptors() > 16:
        assert time.monotonic() < deadline, proxy.descriptors()
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("kind", fleet.KINDS)
async def test_thirty_of_a_kind_keep_nobody_from_being_served(proxy: Proxy, kind: str) -> None:
    with misbehaving(proxy, [kind] * CLIENTS):
        served = await beside(proxy, SECONDS)
    longest = max(served.health)
    print(f"{kind}: /health p99 {p99(served.health):.0f} ms, max {longest:.0f} ms", end=", ")
    print(f"peak memory {proxy.peak_mib():.0f} MiB. {served.tally}")
    served.tally.check()
    assert p99(served.health) < HEALTH_P99_MS.get(kind, 250.0)
    assert longest < GAP_MS
    assert proxy.unexpected_lines() == []
    await settled(proxy)


def statuses(proxy: Proxy, audio: bytes, count: int) -> Counter[int]:
    """Send a recording so many times at once, and count the statuses (0: no answer)."""

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(once) for _ in range(count)))

    def once() -> int:
        body = raw.part(b"file", audio, filename=b"a") + raw.end()
        request = raw.post(raw.TRANSCRIPTIONS, raw.FORM, body)
        found = raw.exchange((proxy.host, proxy.port), request)
        return found[0].status if found else 0

    return Counter(asyncio.run(all_of_them()))


def test_without_descriptors_it_refuses_and_recovers(proxy: Proxy) -> None:
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    with misbehaving(proxy, ["open_upload"] * DESCRIPTORS, 4.0):
        time.sleep(1.0)
        print(f"meanwhile: {dict(statuses(proxy, LARGE, 5))}", end=", ")
    found = statuses(proxy, LARGE, 20)
    print(f"then: {dict(found)}")
    assert set(found) <= {200, *TOO_MUCH}
    assert statuses(proxy, LARGE, 1) == {200: 1}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]).returncode:
        pytest.skip("needs root, to mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_is_not_the_recordings_fault(small_disk: Path, tmp_path: Path) -> None:
    with (
        processes.whisper() as whisper,
        processes.proxy(whisper.url, tmp_path, TMPDIR=str(small_disk)) as proxy,
    ):
        (small_disk / "full").write_bytes(bytes(3 * 2**20))
        assert statuses(proxy, LARGE, 3) == {507: 3}
        assert statuses(proxy, silence(), 3) == {200: 3}
        (small_disk / "full").unlink()
        assert statuses(proxy, LARGE, 1) == {200: 1}
        assert proxy.unexpected_lines() == []
