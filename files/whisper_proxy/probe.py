"""A request of the proxy's own, which shows whether whisper-server computes at all."""

import io
import wave
from functools import partial

from .decode import Wav
from .fields import TranscriptionRequest

SECONDS = 1


def _silence() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16000)
        wav.writeframes(bytes(2 * 16000 * SECONDS))
    return file.getvalue()


AUDIO = Wav(SECONDS, len(_silence()), partial(io.BytesIO, _silence()))
REQUEST = TranscriptionRequest("en", "", 0.0, "json")
