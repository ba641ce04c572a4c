"""Transcribes a recording with VoiceMode's own code; runs in VoiceMode's environment.

Prints, as JSON, the models that VoiceMode finds at its first endpoint and its transcription of the
recording. Everything after the recording is VoiceMode's: sample rate and format, HTTP client,
retries. Recording itself needs a sound card, so `sounddevice`, whose import fails without
PortAudio, is an empty stand-in.
"""

import asyncio
import json
import sys
from types import ModuleType
from typing import Any

# ruff: noqa: E402
sys.modules["sounddevice"] = ModuleType("sounddevice")

import numpy as np
from pydub import AudioSegment
from voice_mode.config import SAMPLE_RATE, STT_BASE_URLS
from voice_mode.provider_discovery import provider_registry
from voice_mode.tools.converse import speech_to_text


def recorded(path: str) -> Any:
    """Return a WAV file as samples, as VoiceMode records them from a microphone."""
    audio = AudioSegment.from_wav(path).set_channels(1).set_frame_rate(SAMPLE_RATE)
    return np.array(audio.get_array_of_samples(), dtype=np.int16)


async def models() -> list[str]:
    """Return the models that VoiceMode discovers at its first endpoint."""
    url = STT_BASE_URLS[0]
    await provider_registry._discover_endpoint("stt", url)
    found = provider_registry.registry["stt"][url]
    assert found.last_error is None, found.last_error
    return list(found.models)


async def main(path: str) -> None:
    transcription = await speech_to_text(recorded(path))
    print(json.dumps({"models": await models(), "transcription": transcription}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
