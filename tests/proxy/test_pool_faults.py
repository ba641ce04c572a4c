"""Members of a pool are taken away at random, under steady load, and the answers are counted.

The seed is printed; POOL_SEED repeats it. What hits when is in part the machine's.
"""

import asyncio
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from . import pool
from .clients import Tally, transcribe
from .haproxy import needs_haproxy
from .pool import Cluster, Machine

pytestmark = [pytest.mark.slow, needs_haproxy]

INFERENCE_SECONDS = 0.2
CLIENTS = 8
FAULTS = int(os.environ.get("POOL_FAULTS", "30"))
# 0.35 MB as VoiceMode sends, and 25 MB, which OpenAI takes at most, for one in SHARE.
SENTENCE_SECONDS, LECTURE_SECONDS = 11.0, 780.0
SHARE = 20
# Faults that hit nothing show nothing: on a slow machine it takes more of them.
LEAST_LOST = 5
# Of four members, so that somebody serves.
MOST_AWAY = 2
LOST = re.compile(r"lost a member: name=(\w+) sent=(True|False)")

Fault = Callable[[Machine], Awaitable[None]]


class Havoc:
    """What goes wrong, one thing after another, by a seed."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.chance = random.Random(seed)
        self.caused: Counter[str] = Counter()
        self._cluster = cluster
        self._away: set[Machine] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[Fault] = [
            self.proxy_killed, self.proxy_restarted, self.whisper_killed,
            self.machine_killed, self.network_gone,
        ]  # fmt: skip

    async def proxy_killed(self, machine: Machine) -> None:
        machine.proxy.end(signal.SIGKILL)
        await self._pause(1.0)
        machine.proxy.start()

    async def proxy_restarted(self, machine: Machine) -> None:
        await asyncio.to_thread(machine.proxy.end, signal.SIGTERM)
        machine.proxy.start()

    async def whisper_killed(self, machine: Machine) -> None:
        machine.whisper.end(signal.SIGKILL)
        await self._pause(1.0)
        machine.whisper.start()

    async def machine_killed(self, machine: Machine) -> None:
        machine.proxy.end(signal.SIGKILL)
        machine.whisper.end(signal.SIGKILL)
        await self._pause(5.0)
        machine.start()

    async def network_gone(self, machine: Machine) -> None:
        """As where packets are dropped: nothing answers, and no connection is reset."""
        machine.proxy.send(signal.SIGSTOP)
        await self._pause(8.0)
        machine.proxy.send(signal.SIGCONT)

    async def haproxy_reloaded(self) -> None:
        self._cluster.haproxy.reload()

    async def haproxy_killed(self) -> None:
        self._cluster.haproxy.kill()
        await self._pause(1.0)
        self._cluster.haproxy.start()

    async def gateway_restarted(self) -> None:
        gateway = self._cluster.gateway
        # By the signal where it has just been started, and nothing was asked of it yet.
        ended = await asyncio.to_thread(gateway.end, signal.SIGTERM)
        assert ended in (0, -signal.SIGTERM)
        gateway.start()

    async def _pause(self, most: float) -> None:
        await asyncio.sleep(self.chance.uniform(0, most))

    def lost(self) -> Counter[tuple[str, str]]:
        """Return how often which member was lost with a request, and whether it had it whole."""
        return Counter(LOST.findall(self._cluster.gateway.log.read_text()))

    async def run(self, faults: int) -> None:
        """Cause so many, and return when all is well again."""
        while self.caused.total() < faults or (
            self.lost().total() < LEAST_LOST and self.caused.total() < 5 * faults
        ):
            await self._pause(0.6)
            if self.chance.random() < 0.2:
                kinds = (self.haproxy_reloaded, self.gateway_restarted, self.haproxy_killed)
                kind = self.chance.choice(kinds)
                self.caused[kind.__name__] += 1
                await kind()
            else:
                await self._to_a_machine()
        await asyncio.gather(*self._tasks)

    async def _to_a_machine(self) -> None:
        while len(self._away) >= MOST_AWAY:
            await asyncio.sleep(0.05)
        whole = [one for one in self._cluster.machines if one not in self._away]
        machine, fault = self.chance.choice(whole), self.chance.choice(self._faults)
        self.caused[fault.__name__] += 1
        self._away.add(machine)
        task = asyncio.create_task(self._until_it_is_back(machine, fault))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_it_is_back(self, machine: Machine, fault: Fault) -> None:
        await fault(machine)
        self._away.discard(machine)


async def steady(url: str, tally: Tally, chance: random.Random, done: asyncio.Event) -> None:
    """Send requests until `done` is set, and wait for those under way."""

    async def client() -> None:
        # Each on a connection of its own, as the gateway is restarted.
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            while not done.is_set():
                large = chance.random() < 1 / SHARE
                await transcribe(
                    session, url, tally, LECTURE_SECONDS if large else SENTENCE_SECONDS
                )

    async with asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(client())


async def test_whatever_is_taken_away_nothing_is_lost() -> None:
    seed = int(os.environ.get("POOL_SEED", random.randrange(10**6)))
    print(f"POOL_SEED={seed}")
    with pool.cluster(*[INFERENCE_SECONDS] * 4) as cluster:
        await cluster.until("ok")
        tally, done, havoc = Tally(), asyncio.Event(), Havoc(cluster, seed)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(steady(cluster.gateway.url, tally, random.Random(seed + 1), done))
            try:
                await havoc.run(FAULTS)
            finally:
                done.set()
        lost = havoc.lost()
        print(f"{tally}, in {time.monotonic() - began:.0f} s, with {dict(havoc.caused)}")
        print(f"lost by members and sent again: {dict(lost)}")
        tally.check()
        assert tally.refused == 0
        for proxy in (cluster.gateway, *(machine.proxy for machine in cluster.machines)):
            assert "Traceback" not in proxy.log.read_text()
        assert lost.total() >= LEAST_LOST
