"""Three who speak at once for ten minutes, beside files, while whisper-server is restarted.

`make test-realtime`; REALTIME_SECONDS shortens it.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from statistics import quantiles

import aiohttp
import pytest

from tests.boxes import Box
from tests.machines.deploying import post, raise_boxes, sample
from tests.machines.live import WORDS, Speaker, sentence, speaker
from tests.tunnel import tunnel
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.core.speech import is_spoken

pytestmark = pytest.mark.realtime

SECONDS = float(os.environ.get("REALTIME_SECONDS", "600"))
SPEAKERS = 3
PAUSE_SECONDS = 12.0  # two cores transcribe what three say in between
FILE_SECONDS = 15.0
PATIENCE_SECONDS = 300.0
RESTART = f"XDG_RUNTIME_DIR=/run/user/1000 systemctl --user restart {SERVER_UNIT}"
KILL = "pkill -KILL -x whisper-server"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("realtime-soak", base=served) as (serving,):
        yield serving


async def spoken(http: aiohttp.ClientSession, url: str, delay: float) -> tuple[Speaker, int]:
    """Say the sentence again and again; return what was heard, and how often it was said."""
    await asyncio.sleep(delay)
    until, said = time.monotonic() + SECONDS, 0
    async with speaker(http, url) as speaking:
        while time.monotonic() < until:
            await speaking.speak(sentence(PAUSE_SECONDS))
            said += 1
        await speaking.finish(PATIENCE_SECONDS)
    return speaking, said


async def files(url: str, audio: bytes) -> list[float]:
    """Send a file again and again, and return how long each took."""
    until, took = time.monotonic() + SECONDS, []
    while time.monotonic() < until:
        began = time.monotonic()
        assert is_spoken(await asyncio.to_thread(post, url, audio))
        took.append(time.monotonic() - began)
        await asyncio.sleep(FILE_SECONDS)
    return took


async def lost_servers(box: Box) -> None:
    """Restart whisper-server, and kill it."""
    for part, command in ((0.3, RESTART), (0.4, KILL)):
        await asyncio.sleep(SECONDS * part)
        await asyncio.to_thread(box.run, command)


def figures(seconds: list[float]) -> str:
    cuts = quantiles(seconds, n=20, method="inclusive")
    return f"p50 {cuts[9]:.2f} s, p95 {cuts[18]:.2f} s, most {max(seconds):.2f} s"


async def test_nothing_that_is_said_is_lost(box: Box) -> None:
    with tunnel(box, 2023) as url:
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
            speaking = [
                tasks.create_task(spoken(http, url, 3.7 * number)) for number in range(SPEAKERS)
            ]
            sent = tasks.create_task(files(url, sample(box)))
            tasks.create_task(lost_servers(box))
    found = [task.result() for task in speaking]
    latencies = [one.latency for speaker, _ in found for one in speaker.heard]
    said = sum(count for _, count in found)
    heard = [sum(speaker.times_heard()[at] for speaker, _ in found) for at in range(len(WORDS))]
    print(f"{SECONDS:.0f} s, {SPEAKERS} sessions: {len(latencies)} turns, of {said} sentences")
    print(f"transcripts after the end of speech: {figures(latencies)}")
    print(f"files beside: {len(sent.result())}, {figures(sent.result())}")
    print(f"deltas: {sum(speaker.deltas for speaker, _ in found)}; heard of each phrase: {heard}")
    assert [speaker.failed for speaker, _ in found] == [[]] * SPEAKERS
    assert heard == [said] * len(WORDS)
