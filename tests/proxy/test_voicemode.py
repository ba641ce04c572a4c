"""VoiceMode's own client, from its package, hears words through the proxy."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from . import fake_whisper as fake
from . import processes, voicemode
from .fake_whisper import FakeWhisper
from .samples import silence

pytestmark = pytest.mark.slow

# What VoiceMode takes for this machine, and for one in the network: to that it sends MP3.
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"

Listen = Callable[[str], Awaitable[voicemode.Heard]]


@pytest.fixture(scope="module")
def python() -> Path:
    return voicemode.installed()


@pytest.fixture
async def listen(python: Path, whisper_server: TestServer, tmp_path: Path) -> Listen:
    """Let VoiceMode hear a second of recording through a proxy at an address of this machine."""
    recording = tmp_path / "recording.wav"
    recording.write_bytes(silence(1.0))
    upstream = str(whisper_server.make_url("/")).rstrip("/")

    async def through_proxy(host: str) -> voicemode.Heard:
        with processes.proxy(upstream, tmp_path, host=host) as proxy:
            return await asyncio.to_thread(voicemode.heard, python, proxy.url, recording)

    return through_proxy


async def test_it_hears_words(listen: Listen, whisper: FakeWhisper) -> None:
    result = await listen(HERE)
    assert result["heard"]["text"] == fake.TEXT
    assert result["heard"]["metrics"]["is_local"]
    assert "whisper-1" in result["models"]
    assert whisper.fields["language"] == "auto"
    assert whisper.audio[:4] == b"RIFF"


async def test_it_hears_words_from_another_machine(listen: Listen, whisper: FakeWhisper) -> None:
    result = await listen(ELSEWHERE)
    assert result["heard"]["text"] == fake.TEXT
    assert not result["heard"]["metrics"]["is_local"]
    assert whisper.audio[:4] == b"RIFF"  # it was MP3 when it came


async def test_it_knows_that_nothing_was_said(listen: Listen, whisper: FakeWhisper) -> None:
    whisper.texts = []
    assert (await listen(HERE))["heard"]["error_type"] == "no_speech"
