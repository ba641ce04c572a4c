"""Recordings as the real ffmpeg writes them, in every format, and files that lie."""

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from whisper_proxy.errors import ApiError
from whisper_proxy.ffmpeg import DECODERS

from .formats import FORMATS, FRAGMENTS, PICTURE, written
from .samples import chunk, encoded, fmt, riff
from .spools import Spool, new_decoder

pytestmark = pytest.mark.slow

SECONDS = 1.0
LAYOUTS = {"mono": 1, "stereo": 2, "2.1": 3, "quad": 4, "5.1": 6, "7.1": 8, "12 channels": 12}
INVERTED = "pan=stereo|c0=c0|c1=-1*c0"
CANCELLING = {
    "wav": ("-af", INVERTED, "wav"),
    "flac": ("-af", INVERTED, "flac"),
    "mp3": ("-af", INVERTED, "-c:a", "libmp3lame", "mp3"),
    "aac": ("-af", INVERTED, "-c:a", "aac", "mp4"),
    "opus": ("-af", INVERTED, "-c:a", "libopus", "webm"),
    "nearly": ("-af", "pan=stereo|c0=c0|c1=-.9*c0", "wav"),
    "from the middle on": ("-af", "aeval=val(0)|val(0)*if(gt(t\\,30)\\,-1\\,1)", "wav"),
    "in 5.1": ("-af", "pan=5.1|FL=c0|FR=-1*c0", "flac"),
}

Wav = tuple[float, bytes]  # seconds, samples
Decode = Callable[[bytes], AbstractAsyncContextManager[Wav]]


@pytest.fixture
def decode() -> Decode:
    decoder = new_decoder()

    @asynccontextmanager
    async def decoded(content: bytes) -> AsyncIterator[Wav]:
        with Spool() as spool:
            spool.write(content)
            async with decoder.as_wav(spool) as wav:
                with wav.open() as file:
                    yield wav.seconds, file.read()[44:]

    return decoded


def recording(folder: Path, *options: str, seconds: float = SECONDS) -> bytes:
    """Return a tone as ffmpeg writes it to a file; the last option is the format."""
    source = f"sine=frequency=440:sample_rate=44100:duration={seconds}"
    return written(folder, ("-f", "lavfi", "-i", source), *options)


def tracks(folder: Path, *options: str) -> bytes:
    """Return a file of three tracks: 300 Hz, 600 Hz, 900 Hz."""
    tones = [
        option
        for tone in (300, 600, 900)
        for option in ("-f", "lavfi", "-i", f"sine=frequency={tone}:duration={SECONDS}")
    ]
    maps = ("-map", "0:a", "-map", "1:a", "-map", "2:a")
    return written(folder, tones, *maps, *options)


def hertz(samples: bytes) -> float:
    """Return the pitch of a tone, by how often it crosses zero."""
    values = memoryview(samples).cast("h")[1600:-1600]
    return sum(one < 0 <= other for one, other in pairwise(values)) / (len(values) / 16000)


def loudness(samples: bytes) -> float:
    values = memoryview(samples).cast("h")
    return (sum(value * value for value in values) / len(values)) ** 0.5


async def failure(decode: Decode, content: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        async with decode(content):
            pass
    return caught.value


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_decoded(decode: Decode, tmp_path: Path, name: str) -> None:
    async with decode(recording(tmp_path, *FORMATS[name])) as (seconds, samples):
        assert seconds == pytest.approx(SECONDS, abs=0.15)
        assert hertz(samples) == pytest.approx(440, rel=0.02)
        assert loudness(samples) > 500


@pytest.mark.parametrize("other", ["ogg", "matroska", "flv"])
async def test_speex_is_decoded_with_and_without_its_own_library(
    decode: Decode, tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speech = recording(tmp_path, "-c:a", "libspeex", "-ar", "16000", other)
    async with decode(speech) as (seconds, _):
        assert seconds == pytest.approx(SECONDS, abs=0.15)
    monkeypatch.setitem(DECODERS, "speex", "libmissing")
    async with decode(speech) as (seconds, samples):
        assert hertz(samples) == pytest.approx(440, rel=0.02)


async def test_amr_is_decoded(decode: Decode) -> None:
    """Which ffmpeg reads and does not write."""
    frame = b"\x04" + bytes(12)  # 20 ms at 4.75 kbit/s
    async with decode(b"#!AMR\n" + 50 * frame) as (seconds, _):
        assert seconds == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", ["wav", "caf"])
async def test_any_number_of_channels_is_mixed(
    decode: Decode, tmp_path: Path, layout: str, form: str
) -> None:
    channels = "|".join(["val(0)"] * LAYOUTS[layout])
    async with decode(recording(tmp_path, "-af", f"aeval={channels}", form)) as (_, samples):
        assert hertz(samples) == pytest.approx(440, rel=0.02)
        assert loudness(samples) > 500


@pytest.mark.parametrize("case", CANCELLING)
async def test_channels_that_cancel_out_are_not_mixed(
    decode: Decode, tmp_path: Path, case: str
) -> None:
    content = recording(tmp_path, *CANCELLING[case], seconds=60 if "middle" in case else 5)
    async with decode(content) as (_, samples):
        assert loudness(samples[-32000:]) > 1000
        assert hertz(samples) == pytest.approx(440, rel=0.02)


async def test_ordinary_stereo_is_mixed(decode: Decode, tmp_path: Path) -> None:
    """What only the second channel has is heard."""
    content = recording(tmp_path, "-af", "pan=stereo|c1=c0", "wav")
    async with decode(content) as (_, samples):
        assert loudness(samples) > 500


@pytest.mark.parametrize("form", ["mp4", "matroska"])
@pytest.mark.parametrize("default", [0, 1, 2])
async def test_the_default_track_is_taken(
    decode: Decode, tmp_path: Path, form: str, default: int
) -> None:
    others = [f"-disposition:a:{number}" for number in range(3) if number != default]
    options = [option for other in others for option in (other, "0")]
    content = tracks(
        tmp_path, *options, f"-disposition:a:{default}", "default", "-c:a", "aac", form
    )
    async with decode(content) as (_, samples):
        assert hertz(samples) == pytest.approx(300 * (default + 1), rel=0.02)


@pytest.mark.parametrize(
    "options",
    [
        ("-c:a", "mp2", "mpegts"),
        ("-c:a", "aac", "-disposition:a", "default", "matroska"),
        ("-c:a", "aac", "-disposition:a", "0", "matroska"),
        # ffmpeg by itself would take the track of most channels.
        ("-c:a", "aac", "-disposition:a", "default", "-ac:a:1", "2", "mp4"),
    ],
)
async def test_otherwise_the_first_track_is_taken(
    decode: Decode, tmp_path: Path, options: tuple[str, ...]
) -> None:
    async with decode(tracks(tmp_path, *options)) as (_, samples):
        assert hertz(samples) == pytest.approx(300, rel=0.02)


def tagged_mp3() -> tuple[bytes, bytes]:
    """Return an MP3 file's tag and its frames."""
    mp3 = encoded("-c:a", "libmp3lame", "-id3v2_version", "4", "mp3", seconds=2)
    size = 10 + int.from_bytes(mp3[6:10], "big")  # below 128 bytes, so without the seven-bit bytes
    return mp3[:size], mp3[size:]


TAG, FRAMES = tagged_mp3()
FOOTER = TAG[:5] + b"\x10" + TAG[6:] + b"3DI" + TAG[3:5] + b"\x10" + TAG[6:10]
ODD_MP3 = {
    "two tags": TAG + TAG + FRAMES,
    "a tag with a footer": FOOTER + FRAMES,
    "zeros behind the tag": TAG + bytes(10) + FRAMES,
    "kilobytes of zeros behind the tag": TAG + bytes(5000) + FRAMES,
    "junk before the first frame": b"not audio, and long" * 20 + FRAMES,
    "a picture of megabytes": b"ID3\x03\0\0"
    + bytes([0x01, 0x00, 0, 10])  # 2 MiB
    + b"APIC\0\x1f\xff\xf6\0\0"
    + bytes(2 * 1024 * 1024)
    + FRAMES,
    "no tag": FRAMES,
    "from the middle of a frame on": FRAMES[777:],
    "an older tag at the end": FRAMES + b"TAG" + bytes(125),
}


@pytest.mark.parametrize("case", ODD_MP3)
async def test_odd_mp3_is_decoded(decode: Decode, case: str) -> None:
    async with decode(ODD_MP3[case]) as (seconds, samples):
        assert seconds == pytest.approx(2, abs=0.15)
        assert hertz(samples) == pytest.approx(440, rel=0.02)


CUT = {
    "mp3": ("-c:a", "libmp3lame", "mp3"),
    "wav": ("wav",),
    "flac": ("flac",),
    "ogg": ("-c:a", "libopus", "ogg"),
    "webm": ("-c:a", "libopus", "webm"),
    "adts": ("-c:a", "aac", "adts"),
    "mp4, fragments": ("-c:a", "aac", *FRAGMENTS, "-frag_duration", "500000", "mp4"),
    "mp4, index first": ("-c:a", "aac", "-movflags", "+faststart", "mp4"),
    "mpegts": ("-c:a", "aac", "mpegts"),
    "avi": ("-c:a", "libmp3lame", "avi"),
    "aiff": ("aiff",),
    "caf": ("caf",),
    "asf": ("-c:a", "wmav2", "asf"),
}


@pytest.mark.parametrize("name", CUT)
async def test_a_file_that_was_cut_off_is_decoded_as_far_as_it_goes(
    decode: Decode, tmp_path: Path, name: str
) -> None:
    whole = recording(tmp_path, *CUT[name], seconds=8)
    async with decode(whole[: len(whole) // 2]) as (seconds, samples):
        assert 3 < seconds < 5.5
        assert hertz(samples) == pytest.approx(440, rel=0.02)


NOTHING = ("-f", "lavfi", "-i", "anullsrc", "-map", "1", "-af", "atrim=end_sample=0")
EMPTY = {
    "AIFF": ("aiff",),
    "AMR": (),
    "AU": ("au",),
    "AVI": ("avi",),
    "CAF": ("caf",),
    "FLAC": ("flac",),
    "FLV": ("-c:a", "aac", "flv"),
    "Matroska": ("-c:a", "libopus", "matroska"),
    "MP3": ("-c:a", "libmp3lame", "mp3"),
    "MP4": ("mp4",),
    "MP4, fragments": ("-c:a", "aac", *FRAGMENTS, "mp4"),
    "Ogg": ("-c:a", "libopus", "ogg"),
    "WebM": ("-c:a", "libopus", "webm"),
    "WMA": ("-c:a", "wmav2", "asf"),
}


@pytest.mark.parametrize("name", EMPTY)
async def test_a_recording_of_nothing_has_no_seconds(
    decode: Decode, tmp_path: Path, name: str
) -> None:
    options = EMPTY[name]
    content = recording(tmp_path, *NOTHING, *options) if options else b"#!AMR\n"
    async with decode(content) as (seconds, _):
        assert seconds == 0


def box(kind: bytes, *content: bytes) -> bytes:
    """Return a box of an MP4 file."""
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def mp4(samples: int = 0, entry: bytes = b"sowt", reference: bytes = b"") -> bytes:
    """Return a QuickTime file of 16-bit samples; reference: what a data reference holds."""
    sound = struct.pack(">6xHHHIHHHHI", 1, 0, 0, 0, 1, 16, 0, 0, 16000 << 16)
    urls = box(b"alis", bytes(4), reference) if reference else box(b"url ", b"\0\0\0\1")

    def counted(kind: bytes, *numbers: int) -> bytes:
        return box(kind, bytes(4), struct.pack(f">{len(numbers)}I", *numbers))

    def moov(offset: int) -> bytes:
        stbl = box(
            b"stbl",
            box(b"stsd", struct.pack(">II", 0, 1), box(entry, sound)),
            counted(b"stts", 1, samples, 1),
            counted(b"stsc", 1, 1, samples, 1),
            counted(b"stsz", 2, samples),
            counted(b"stco", 1, offset),
        )
        dinf = box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), urls))
        minf = box(b"minf", box(b"smhd", bytes(8)), dinf, stbl)
        head = counted(b"mdhd", 0, 0, 16000, samples, 0)
        mdia = box(b"mdia", head, box(b"hdlr", bytes(4), b"mhlrsoun", bytes(13)), minf)
        track = box(b"tkhd", b"\0\0\0\x0f", bytes(8), struct.pack(">I", 1), bytes(68))
        return box(b"moov", counted(b"mvhd", 0, 0, 1000, 0, *[0] * 20), box(b"trak", track, mdia))

    ftyp = box(b"ftyp", b"qt  \0\0\0\0qt  ")
    return ftyp + moov(len(ftyp) + len(moov(0)) + 8) + box(b"mdat", bytes(2 * samples))


async def test_an_mp4_without_a_sample_has_no_seconds(decode: Decode) -> None:
    async with decode(mp4()) as (seconds, _):
        assert seconds == 0
    async with decode(mp4(16000)) as (seconds, _):
        assert seconds == 1


@pytest.mark.parametrize("entry", [b"enca", b"drms", b"aavd"])
async def test_an_encrypted_file_is_told_so(decode: Decode, entry: bytes) -> None:
    error = await failure(decode, mp4(16000, entry))
    assert (error.status, error.code) == (400, "undecodable_audio")
    assert error.message.startswith("`file` is encrypted.")


@pytest.mark.parametrize(
    "options", [("-c:v", "libvpx", "webm"), ("-c:v", "mpeg4", "mp4"), ("-c:v", "mpeg4", "avi")]
)
async def test_a_film_without_sound_is_told_so(
    decode: Decode, tmp_path: Path, options: tuple[str, ...]
) -> None:
    error = await failure(decode, recording(tmp_path, *PICTURE, "-map", "1:v", *options))
    assert error.message.startswith("`file` has no audio track.")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that no upload may make the proxy read: a recording that would be heard."""
    path = tmp_path / "secret.wav"
    path.write_bytes(encoded("wav"))
    return path


def referring(path: Path) -> dict[str, bytes]:
    """Return files that name another."""
    name = str(path)
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"
    cpl = '<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">'
    mpd = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
        '<Period><AdaptationSet mimeType="audio/mp4"><Representation id="1"><BaseURL>'
        f"file://{name}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )
    texts = {
        "a playlist (HLS)": hls.format(name),
        "a playlist (HLS) with a scheme": hls.format(f"file://{name}"),
        "a playlist (M3U)": f"#EXTM3U\n#EXTINF:1,x\n{name}\n",
        "a playlist (PLS)": f"[playlist]\nFile1={name}\nNumberOfEntries=1\n",
        "a list (concat)": f"ffconcat version 1.0\nfile {name}\n",
        "a list (concat) with an option": f"ffconcat version 1.0\nfile {name}\noption x y\n",
        "a session (SDP)": sdp,
        "a manifest (DASH)": mpd,
        "a playlist (IMF)": cpl,
        "a script (AviSynth)": f'WavSource("{name}")\n',
        "metadata": ";FFMETADATA1\ntitle=x\n",
        "subtitles": "1\n00:00:00,000 --> 00:00:01,000\nHello\n",
        "a picture (SVG)": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{name}"/></svg>',
        "a web page": f'<html><audio src="{name}"></html>',
    }
    return {case: text.encode() for case, text in texts.items()}


@pytest.mark.parametrize("case", referring(Path("x")))
@pytest.mark.parametrize("disguise", [b"", b"ID3\x04\0\0\0\0\0\0"])
async def test_what_a_file_names_is_not_opened(
    decode: Decode, secret: Path, case: str, disguise: bytes
) -> None:
    error = await failure(decode, disguise + referring(secret)[case])
    assert (error.status, error.code) == (400, "undecodable_audio")


async def test_an_mp4_that_refers_to_another_file_has_nothing(decode: Decode, secret: Path) -> None:
    name = str(secret).encode()
    alias = bytes(10) + secret.name.encode().ljust(140, b"\0")
    path = struct.pack(">HH", 2, len(name)) + name + bytes(len(name) % 2)  # the absolute path
    content = mp4(16000, reference=alias + path + b"\xff\xff")
    async with decode(content[: -2 * 16000]) as (seconds, _):
        assert seconds == 0


async def test_wav_that_holds_another_format_is_damaged(decode: Decode) -> None:
    content = riff(fmt(tag=0x7777, channels=255, bits=255), chunk(b"data", bytes(100)))
    assert (await failure(decode, content)).code == "undecodable_audio"
