import io
import struct

import pytest
from whisper_proxy.audio import PCM_GUID, demuxer, wav_seconds

from .samples import chunk, encoded, fmt, riff, silence

ID3 = b"ID3\x04\x00\x00" + bytes((0, 0, 2, 1)) + bytes(257)
SNIFFED = {
    "wav": (silence(), "wav"),
    "wav of 64 bits": (b"RF64" + silence()[4:], "wav"),
    "flac": (b"fLaC\0\0\0\x22", "flac"),
    "flac behind tags": (ID3 + b"fLaC\0\0\0\x22", "flac"),
    "ogg": (b"OggS\0\2", "ogg"),
    "mp3": (b"\xff\xfb\x90\x64", "mp3"),
    "mp3 of MPEG 2.5": (b"\xff\xe3\x18\xc4", "mp3"),
    "mp2": (b"\xff\xfd\x84\x04", "mp3"),
    "mp3 behind tags": (ID3 + b"\xff\xfb\x90\x64", "mp3"),
}
UNKNOWN = {
    "webm, which may have several tracks": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01",
    "mp4, which may have several tracks": b"\0\0\0\x1cftypisom",
    "speex, whose decoder is not left to ffmpeg": b"OggS\0\2" + bytes(22) + b"Speex   1.2",
    "nothing": b"",
    "a byte": b"\xff",
    "text": b"How do you do?",
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
    "a playlist behind tags": ID3 + b"#EXTM3U\nfile:///etc/hostname\n",
    "a list of files": b"ffconcat version 1.0\nfile /etc/hostname\n",
    "tags alone": ID3,
    "cut tags": b"ID3\x04",
    "tags longer than the file": b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
    "another RIFF": b"RIFF\0\0\0\0AVI LIST",
    "AAC": b"\xff\xf1\x50\x80",
    "a reserved version of MPEG": b"\xff\xeb\x90\x64",
}
GUID = PCM_GUID
EXTENSIBLE = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16000, 32000, 2, 16, 22, 16, 4)
SAMPLES = bytes(3200)  # 0.1 s
DATA = chunk(b"data", SAMPLES)
FITTING = {
    "as Python writes it": silence(),
    "extensible": riff(chunk(b"fmt ", EXTENSIBLE + GUID), DATA),
    "a longer format": riff(chunk(b"fmt ", fmt()[8:] + b"\0\0"), DATA),
    "odd chunks": riff(chunk(b"junk", b"odd"), fmt(), chunk(b"LIST", b"INFOx"), DATA),
    "chunks behind": riff(fmt(), DATA, chunk(b"LIST", b"INFO")),
    "no size of the whole": b"RIFF\xff\xff\xff\xff" + riff(fmt(), DATA)[8:],
}
EMPTY = {
    "no samples": riff(fmt(), chunk(b"data", b"")),
    "no samples of another form": riff(fmt(rate=44100, channels=2), chunk(b"data", b"")),
    "a size of -1 and no samples": riff(fmt(), chunk(b"data", b"", 0xFFFFFFFF)),
    "64 bits": b"RF64" + riff(chunk(b"ds64", bytes(28)), fmt(), chunk(b"data", b""))[4:],
}
OTHER = {
    "nothing": b"",
    "no WAV": b"fLaC" * 20,
    "the head alone": riff(),
    "no chunk of samples": riff(fmt()),
    "samples before the format": riff(DATA, fmt()),
    "44.1 kHz": riff(fmt(rate=44100), DATA),
    "stereo": riff(fmt(channels=2), DATA),
    "8 bits": riff(fmt(bits=8), DATA),
    "floats": riff(fmt(tag=3), DATA),
    "extensible floats": riff(chunk(b"fmt ", EXTENSIBLE + b"\3" + GUID[1:]), DATA),
    "extensible, cut": riff(chunk(b"fmt ", EXTENSIBLE), DATA),
    "a size of 0": riff(fmt(), chunk(b"data", SAMPLES, 0)),
    "a size of -1": riff(fmt(), chunk(b"data", SAMPLES, 0xFFFFFFFF)),
    "cut": silence()[:-1],
    "half a sample": riff(fmt(), chunk(b"data", bytes(3))),
    "many chunks": riff(*[chunk(b"junk", b"")] * 100, fmt(), DATA),
}


@pytest.mark.parametrize("case", SNIFFED)
def test_the_demuxer_is_told_by_the_content(case: str) -> None:
    content, name = SNIFFED[case]
    assert demuxer(io.BytesIO(content)) == name


@pytest.mark.parametrize("case", UNKNOWN)
def test_all_else_is_unknown(case: str) -> None:
    assert demuxer(io.BytesIO(UNKNOWN[case])) is None


@pytest.mark.parametrize("case", FITTING)
def test_what_whisper_can_take_has_its_seconds(case: str) -> None:
    assert wav_seconds(io.BytesIO(FITTING[case])) == 0.1


@pytest.mark.parametrize("case", EMPTY)
def test_what_ends_before_its_samples_has_no_seconds(case: str) -> None:
    assert wav_seconds(io.BytesIO(EMPTY[case])) == 0


@pytest.mark.parametrize("case", OTHER)
def test_what_it_cannot_has_none(case: str) -> None:
    assert wav_seconds(io.BytesIO(OTHER[case])) is None


def test_ffmpeg_writes_what_whisper_can_take() -> None:
    # To a pipe, where the sizes cannot be filled in afterwards.
    content = encoded("-ar", "16000", "-c:a", "pcm_s16le", "wav")
    assert wav_seconds(io.BytesIO(content)) is None
    assert demuxer(io.BytesIO(content)) == "wav"
