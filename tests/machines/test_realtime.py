"""Live speech before a real whisper-server with a real model, which is killed in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.boxes import Box
from tests.machines.deploying import post, raise_boxes, sample
from tests.machines.live import WORDS, sentence, speaker
from tests.proxy.live import COMPLETED, DELTA, live, speech
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken

KILL = "pkill -KILL -x whisper-server"
SECONDS = 60  # for what takes a few where nothing else runs


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("realtime", base=served) as (serving,):
        yield serving


@pytest.fixture(scope="module")
def url(box: Box) -> Iterator[str]:
    with tunnel(box, 2023) as found:
        yield found


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


async def test_words_come_while_they_are_spoken_and_a_killed_server_loses_none(
    box: Box, url: str, http: aiohttp.ClientSession
) -> None:
    async with speaker(http, url) as speaking:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speaking.speak(sentence(1.0)))
            await asyncio.sleep(6.5)  # in the middle of the third phrase
            tasks.create_task(asyncio.to_thread(box.run, KILL))
        await speaking.finish(SECONDS)
    assert speaking.failed == []
    assert len(speaking.heard) >= 3
    assert speaking.times_heard() == [1] * len(WORDS), speaking.heard


async def test_who_commits_gets_the_whole_sentence_and_words_before(
    box: Box, url: str, http: aiohttp.ClientSession
) -> None:
    async with live(http, url) as client:
        await client.update({"turn_detection": None, "transcription": {"language": "en"}})
        data = speech()
        for at in range(0, len(data), 48000):
            await client.append(data[at : at + 48000])
            await asyncio.sleep(0.8)
        await client.commit()
        completed = await client.until(COMPLETED, SECONDS)
    assert is_spoken(completed["transcript"])
    words = completed["transcript"].split()
    deltas = [event["delta"] for event in client.events if event["type"] == DELTA]
    heard = "".join(deltas).split()
    # What Whisper heard last may be other words than it heard twice before (docs/api.md).
    assert heard[:3] == words[:3], heard
    assert len(deltas) >= 2  # one comes with the last transcript


async def test_a_file_does_not_wait_for_what_is_partly_spoken(
    box: Box, url: str, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    audio = sample(box)
    began = time.monotonic()
    await asyncio.to_thread(post, url, audio)
    alone = time.monotonic() - began
    async with live(http, url) as client:
        await client.update({"turn_detection": None})
        speaking = asyncio.create_task(_speak_for_ever(client.append))
        await asyncio.sleep(3)
        began = time.monotonic()
        assert is_spoken(await asyncio.to_thread(post, url, audio))
        beside = time.monotonic() - began
        speaking.cancel()
    assert beside < 2 * alone + 2


async def _speak_for_ever(append) -> None:
    while True:
        for at in range(0, len(data := speech()), 4800):
            await append(data[at : at + 4800])
            await asyncio.sleep(0.1)
