"""Live sound, and clients of live sessions, for the tests."""

import base64
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import aiohttp
import numpy as np
from numpy.typing import NDArray
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel

SPEECH = Path(__file__).parents[2] / "files" / "jfk.opus"  # 11 s, four phrases
PATH = "/v1/realtime"
COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"
DELTA = "conversation.item.input_audio_transcription.delta"
RATE = 24000

# By their type, those that the official client knows; the beta protocol's are no more among them.
OF_OPENAI: dict[str, type[BaseModel]] = {
    get_args(one.model_fields["type"].annotation)[0]: one
    for one in get_args(get_args(RealtimeServerEvent)[0])
}
BETA_EVENTS = ("transcription_session.created", "transcription_session.updated")

Event = dict[str, Any]
Samples = NDArray[np.float64]


def speech(rate: int = RATE, kind: str = "s16le") -> bytes:
    """Return President Kennedy's sentence in a raw form of ffmpeg's."""
    command = ["ffmpeg", "-v", "error", "-i", str(SPEECH), "-ac", "1", "-ar", str(rate)]
    return subprocess.run([*command, "-f", kind, "-"], check=True, capture_output=True).stdout


def silence(seconds: float, rate: int = RATE) -> bytes:
    """Return PCM of nothing."""
    return bytes(2 * round(rate * seconds))


def samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(float)


def pcm(found: Samples) -> bytes:
    return np.clip(np.round(found), -32768, 32767).astype("<i2").tobytes()


def power(found: Samples) -> float:
    return float(np.sqrt((found**2).mean()))


class Live:
    """One client. beyond_openai: its session has what OpenAI's have not."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[Event] = []
        self.beyond_openai = False

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def update(self, sound: Event | None = None, **session: Any) -> None:
        """Change the session, with `sound` as its audio.input."""
        audio = {"audio": {"input": sound}} if sound else {}
        await self.send("session.update", session={"type": "transcription", **audio, **session})

    async def append(self, data: bytes, piece: int = 4800) -> None:
        for at in range(0, len(data), piece):
            encoded = base64.b64encode(data[at : at + piece]).decode()
            await self.send("input_audio_buffer.append", audio=encoded)

    async def commit(self) -> None:
        await self.send("input_audio_buffer.commit")

    async def next(self, seconds: float = 10) -> Event:
        """Return the next event."""
        message = await self.socket.receive(timeout=seconds)
        assert message.type == aiohttp.WSMsgType.TEXT, message
        event: Event = json.loads(message.data)
        if event["type"] not in BETA_EVENTS and not self.beyond_openai:
            OF_OPENAI[event["type"]].model_validate(event)
        self.events.append(event)
        return event

    async def until(self, kind: str, seconds: float = 10) -> Event:
        """Return the next event of a type; those before it are in `events`."""
        while (event := await self.next(seconds))["type"] != kind:
            pass
        return event

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]


@asynccontextmanager
async def live(
    session: aiohttp.ClientSession, url: str, query: str = "intent=transcription", **how: Any
) -> AsyncIterator[Live]:
    """Open a session, whose first event was received."""
    async with session.ws_connect(f"{url}{PATH}?{query}", **how) as socket:
        client = Live(socket)
        assert (await client.next())["type"].endswith("session.created")
        yield client
