"""A request of the proxy's own, which shows whether whisper-server computes at all."""

import io
from functools import partial

from .audio import BYTES_A_SECOND, wav_bytes
from .decode import Wav
from .fields import TranscriptionRequest

SECONDS = 1
SILENCE = wav_bytes(bytes(SECONDS * BYTES_A_SECOND))
AUDIO = Wav(SECONDS, len(SILENCE), partial(io.BytesIO, SILENCE))
REQUEST = TranscriptionRequest("en", "", 0.0, "json")
