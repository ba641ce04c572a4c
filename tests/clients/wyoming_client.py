"""What Home Assistant does with a Wyoming server; runs in wyoming-openai's environment.

Prints the events that answer a recording, up to its transcript or an error, as JSON: [type, data].
"""

import asyncio
import json
import sys
import wave

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import wav_to_chunks
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event

SAMPLES_A_CHUNK = 1024


async def transcribe(port: int, recording: str, model: str | None = None) -> list[Event]:
    """Send a WAV file as if it came from a microphone, and return the events."""
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Transcribe(name=model, language="en").event())
        with wave.open(recording) as wav:
            for part in wav_to_chunks(wav, SAMPLES_A_CHUNK, start_event=True, stop_event=True):
                await client.write_event(part.event())
        return await answers(client)


async def answers(client: AsyncTcpClient) -> list[Event]:
    """Return all that comes, up to the last event or the end of the connection."""
    events = []
    while event := await client.read_event():
        events.append(event)
        if Transcript.is_type(event.type) or Error.is_type(event.type):
            break
    return events


if __name__ == "__main__":
    events = asyncio.run(transcribe(int(sys.argv[1]), *sys.argv[2:]))
    print(json.dumps([[event.type, event.data] for event in events]))
