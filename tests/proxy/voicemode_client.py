"""Transcribes a recording as VoiceMode does, by VoiceMode's own code: run in its environment.

It prints, as JSON, which models VoiceMode finds at its first endpoint, and what it makes of the
recording. From where VoiceMode has recorded a sentence all is VoiceMode's: the sampling rate and
the format of what it sends, its HTTP client, its attempts. What comes before needs a sound card:
`sounddevice`, which ends the import where there is no PortAudio, is an empty stand-in.
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
    """Return a WAV file as VoiceMode's microphone would have given it."""
    audio = AudioSegment.from_wav(path).set_channels(1).set_frame_rate(SAMPLE_RATE)
    return np.array(audio.get_array_of_samples(), dtype=np.int16)


async def models() -> list[str]:
    """Return what VoiceMode's search for endpoints finds at the first."""
    url = STT_BASE_URLS[0]
    await provider_registry._discover_endpoint("stt", url)
    found = provider_registry.registry["stt"][url]
    assert found.last_error is None, found.last_error
    return list(found.models)


async def main(path: str) -> None:
    heard = await speech_to_text(recorded(path))
    print(json.dumps({"models": await models(), "heard": heard}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
