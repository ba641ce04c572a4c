"""What the tests send, and with what."""

import io
import wave

from aiohttp import FormData, web
from aiohttp.test_utils import TestClient

Client = TestClient[web.Request, web.Application]


def silence(seconds: float = 0.1) -> bytes:
    """Return a WAV file, 16 kHz mono, of nothing."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16000)
        wav.writeframes(bytes(2 * int(16000 * seconds)))
    return file.getvalue()


def form(audio: bytes | None = None, **fields: str) -> FormData:
    """Return a form as the openai client sends it: the file comes last."""
    result = FormData(default_to_multipart=True)
    for name, value in fields.items():
        result.add_field(name, value)
    result.add_field("file", silence() if audio is None else audio, filename="speech.wav")
    return result
