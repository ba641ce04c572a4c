"""What is sent: the request of OpenAI's client, as bytes."""

import io
import random
import wave
from array import array

RATE = 16000  # samples a second, 16 bits each, one channel: what Whisper hears
SECOND_BYTES = 2 * RATE
LOUDNESS = 1500  # root mean square of the samples, as of speech close to a microphone
BOUNDARY = "bench-7b1f0c6d2e9a4835"
FIELDS = {"model": "whisper-1", "response_format": "json"}
PATH = "/v1/audio/transcriptions"


def wav(size: int) -> bytes:
    """Return a WAV file of about `size` bytes: noise as loud as speech, the same every time.

    Not silence: a reader that goes from line to line, as aiohttp's does, would find none.
    """
    noise = random.Random(0)
    second = array("h", (int(noise.gauss(0, LOUDNESS)) for _ in range(RATE))).tobytes()
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(second * round(size / SECOND_BYTES))
    return file.getvalue()


def transcription(audio: bytes) -> bytes:
    """Return the request: the fields, then the file, on a connection that stays open."""
    parts = [f'"{name}"\r\n\r\n{value}' for name, value in FIELDS.items()]
    parts.append('"file"; filename="speech.wav"\r\nContent-Type: audio/wav\r\n\r\n')
    form = "\r\n".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name={part}" for part in parts
    )
    body = form.encode() + audio + f"\r\n--{BOUNDARY}--\r\n".encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    return head.encode() + body
