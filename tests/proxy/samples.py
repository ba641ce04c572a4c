"""Audio, forms and the client type for the tests."""

import struct
import subprocess

from aiohttp import FormData, web
from aiohttp.test_utils import TestClient
from whisper_proxy.audio import RATE, wav_bytes

Client = TestClient[web.Request, web.Application]


def silence(seconds: float = 0.1) -> bytes:
    """Return a WAV file, 16 kHz mono, of silence."""
    return wav_bytes(bytes(2 * int(RATE * seconds)))


def encoded(*options: str, seconds: float = 0.5) -> bytes:
    """Return a tone encoded by ffmpeg with these options; the last one is the format."""
    source = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}")
    command = ["ffmpeg", "-nostdin", "-v", "error", *source, *options[:-1], "-f", options[-1], "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def riff(*chunks: bytes) -> bytes:
    """Return a WAV file of these chunks."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """Return a chunk of a WAV file, with a size that may be wrong."""
    length = struct.pack("<I", len(body) if size is None else size)
    return name + length + body + bytes(len(body) % 2)


def fmt(tag: int = 1, channels: int = 1, rate: int = 16000, bits: int = 16) -> bytes:
    """Return the chunk that names the format of a WAV file."""
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits))


def form(audio: bytes | None = None, **fields: str) -> FormData:
    """Return a form as the openai client sends it: the file comes last."""
    result = FormData(default_to_multipart=True)
    for name, value in fields.items():
        result.add_field(name, value)
    result.add_field("file", silence() if audio is None else audio, filename="speech.wav")
    return result
