"""Audio, and its format, which its content tells, as clients invent file names."""

import io
import wave
from typing import IO, Protocol

RATE = 16000  # samples a second: Whisper's input, 16 bits each, mono
BYTES_A_SECOND = 2 * RATE
MIN_SECONDS = 0.1  # with less, Whisper returns no text, and v1.7 fails
PCM, EXTENSIBLE = b"\x01\x00", b"\xfe\xff"  # format tags
# KSDATAFORMAT_SUBTYPE_PCM: the same format inside WAVE_FORMAT_EXTENSIBLE.
PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")
FIELDS = ((2, 4), (4, 8), (14, 16))  # of a `fmt ` chunk: channels, rate, bits a sample
MAX_CHUNKS = 64  # before the samples of a WAV file
ID3_HEADER_BYTES = 10
SPEEX, SPEEX_AT = b"Speex   ", 28  # of an Ogg file's first packet, behind its page's header
SIGNATURES = {b"fLaC": "flac", b"OggS": "ogg"}  # the first bytes, and ffmpeg's demuxer


class Audio(Protocol):
    """Audio that can be read any number of times, each time from its first byte."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def open(self) -> IO[bytes]:
        """Return a new reader; the caller closes it."""


def reader(file: IO[bytes]) -> IO[bytes]:
    """Return a new reader of an open file, at its first byte."""
    # Not a duplicate of the descriptor, which would share the file position.
    return open(f"/proc/self/fd/{file.fileno()}", "rb")


def wav_bytes(pcm: bytes) -> bytes:
    """Return a WAV file of 16 kHz mono 16-bit PCM."""
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(RATE)
        made.writeframes(pcm)
    return file.getvalue()


def demuxer(file: IO[bytes]) -> str | None:
    """Return ffmpeg's demuxer for a format of one track that is easily told: flac, mp3, ogg, wav.

    None for any other, and for Speex, whose decoder is not left to ffmpeg: ffprobe has to look at
    it, which takes as long as decoding a sentence.
    """
    _skip_id3(file)
    head = file.read(SPEEX_AT + len(SPEEX))
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[SPEEX_AT:] == SPEEX:
        return None
    if _is_mpeg_frame(head):
        return "mp3"
    return SIGNATURES.get(head[:4])


def _skip_id3(file: IO[bytes]) -> None:
    """Seek past an ID3v2 tag, whose size field uses seven bits of each byte."""
    file.seek(0)
    head = file.read(ID3_HEADER_BYTES)
    size = 0
    if head[:3] == b"ID3" and len(head) == ID3_HEADER_BYTES:
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        size += ID3_HEADER_BYTES
    file.seek(size)


def _is_mpeg_frame(head: bytes) -> bool:
    # Eleven sync bits, then version and layer. Each has one reserved value; in AAC (ADTS) the layer
    # is 0.
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    return head[1] & 0x18 != 0x08 and head[1] & 0x06 != 0


def wav_seconds(file: IO[bytes]) -> float | None:
    """Return the duration of a WAV file that needs no conversion: 16 kHz, mono, 16-bit PCM.

    0 if the file ends where its samples, of any form, should begin. None for any other file, and if
    the sizes are wrong: streaming recorders write 0 or 0xFFFFFFFF for what they do not know yet.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        return None
    data = _data_bytes(file)
    if data is not None and file.tell() == size:
        return 0.0
    whole = head[:4] == b"RIFF" and data and data % 2 == 0 and file.tell() + data <= size
    return data / BYTES_A_SECOND if data and whole else None


def _data_bytes(file: IO[bytes]) -> int | None:
    """Seek to the samples and return their size in bytes; 0 if not in Whisper's format.

    None if there is no chunk of samples.
    """
    fits = False
    for _ in range(MAX_CHUNKS):
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        if name == b"data":
            return length if fits else 0
        if name == b"fmt ":
            fits = _fits(file.read(min(length, 40)))
            length -= min(length, 40)
        file.seek(length + length % 2, 1)  # chunks of odd length are padded
    return None


def _fits(fmt: bytes) -> bool:
    tag = fmt[24:40] if fmt[:2] == EXTENSIBLE else fmt[:2]
    channels, rate, bits = (int.from_bytes(fmt[at:end], "little") for at, end in FIELDS)
    return tag in (PCM, PCM_GUID) and (channels, rate, bits) == (1, RATE, 16)
