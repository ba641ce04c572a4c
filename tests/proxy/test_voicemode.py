"""VoiceMode's own client, from its package, transcribes through the proxy."""

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

# What VoiceMode takes for this machine, and for another one, to which it sends MP3.
LOCAL, REMOTE = "127.0.0.1", "127.0.0.2"

Transcribe = Callable[[str], Awaitable[voicemode.Result]]


@pytest.fixture(scope="module")
def python() -> Path:
    return voicemode.installed()


@pytest.fixture
async def transcribe(python: Path, whisper_server: TestServer, tmp_path: Path) -> Transcribe:
    """Transcribe a second of audio with VoiceMode, through a proxy at a given address."""
    recording = tmp_path / "recording.wav"
    recording.write_bytes(silence(1.0))
    upstream = fake.address(whisper_server)

    async def through_proxy(host: str) -> voicemode.Result:
        with processes.proxy(upstream, tmp_path, host=host) as proxy:
            return await asyncio.to_thread(voicemode.transcribe, python, proxy.url, recording)

    return through_proxy


async def test_it_transcribes(transcribe: Transcribe, whisper: FakeWhisper) -> None:
    result = await transcribe(LOCAL)
    assert result["transcription"]["text"] == fake.TEXT
    assert result["transcription"]["metrics"]["is_local"]
    assert "whisper-1" in result["models"]
    assert whisper.fields["language"] == "auto"
    assert whisper.audio[:4] == b"RIFF"


async def test_it_transcribes_from_another_machine(
    transcribe: Transcribe, whisper: FakeWhisper
) -> None:
    result = await transcribe(REMOTE)
    assert result["transcription"]["text"] == fake.TEXT
    assert not result["transcription"]["metrics"]["is_local"]
    assert whisper.audio[:4] == b"RIFF"  # it was MP3 when it came


async def test_it_reports_no_speech(transcribe: Transcribe, whisper: FakeWhisper) -> None:
    whisper.texts = []
    assert (await transcribe(LOCAL))["transcription"]["error_type"] == "no_speech"
