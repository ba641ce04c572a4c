"""Print what the Wyoming server at the address $1 and the port $2 hears in the WAV file $3.

Asks as Home Assistant does (homeassistant/components/wyoming/stt.py), with its own client; the
Python is that of wyoming-openai's virtual environment. Waits up to $4 seconds for a server that is
starting. What goes wrong is printed as it is: it is no transcript either.
"""

import asyncio
import sys
import time
import wave

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import wav_to_chunks
from wyoming.client import AsyncTcpClient
from wyoming.error import Error

SAMPLES_A_CHUNK = 1024
# As long as the deploy waits for the proxy: facts/speech.py.
ANSWER_SECONDS = 300


async def transcript(address: str, port: int, recording: str) -> str:
    async with AsyncTcpClient(address, port) as client:
        await client.write_event(Transcribe(language="en").event())
        with wave.open(recording) as wav:
            for part in wav_to_chunks(wav, SAMPLES_A_CHUNK, start_event=True, stop_event=True):
                await client.write_event(part.event())
        while event := await client.read_event():
            if Transcript.is_type(event.type):
                return Transcript.from_event(event).text
            if Error.is_type(event.type):
                return Error.from_event(event).text
        return "it closes the connection without an answer"


async def once_it_listens(address: str, port: int, recording: str, patience: float) -> str:
    begun = time.monotonic()
    while True:
        try:
            return await transcript(address, port, recording)
        except ConnectionRefusedError:
            if time.monotonic() - begun > patience:
                raise
            await asyncio.sleep(0.2)


def main(address: str, port: str, recording: str, patience: str) -> None:
    asked = once_it_listens(address, int(port), recording, float(patience))
    try:
        print(asyncio.run(asyncio.wait_for(asked, ANSWER_SECONDS)))
    except (OSError, TimeoutError, wave.Error) as error:
        print(error or "no answer in time")


if __name__ == "__main__":
    main(*sys.argv[1:])
