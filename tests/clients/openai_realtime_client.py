"""OpenAI's own client for Python in live sessions; runs in its own environment."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import openai
from lines import serve

BYTES_A_SECOND = 2 * 24000
PIECE = BYTES_A_SECOND // 10
COMPLETED = "conversation.item.input_audio_transcription.completed"


def transcribe(url: str, key: str, recording: str, options: dict[str, Any]) -> Any:
    """Return all events of a session to which PCM of 24 kHz is sent as it would be spoken.

    Options: `input`, the session's audio.input; `turns`, after how many transcripts it ends;
    `secret`, to open it with a client secret that is made with the key.
    """
    return asyncio.run(_events(url, key, Path(recording).read_bytes(), **options))


async def _events(
    url: str, key: str, pcm: bytes, input: dict[str, Any], turns: int, secret: bool = False
) -> list[Any]:
    session: Any = {"type": "transcription", "audio": {"input": input}}
    async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
        if secret:
            made = await client.realtime.client_secrets.create(session=session)
            client.api_key = made.value
        async with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
            if not secret:
                await connection.session.update(session=session)
            sending = asyncio.create_task(_send(connection, pcm, commits="turn_detection" in input))
            found = [event async for event in _until(connection, turns)]
            await sending
    return found


async def _until(connection: Any, turns: int) -> Any:
    async for event in connection:
        yield event.model_dump()
        turns -= event.type == COMPLETED
        if not turns or event.type == "error":
            return


async def _send(connection: Any, pcm: bytes, *, commits: bool) -> None:
    for at in range(0, len(pcm), PIECE):
        piece = base64.b64encode(pcm[at : at + PIECE]).decode()
        await connection.input_audio_buffer.append(audio=piece)
        await asyncio.sleep(PIECE / BYTES_A_SECOND)
    if commits:
        await connection.input_audio_buffer.commit()


if __name__ == "__main__":
    serve(transcribe)
