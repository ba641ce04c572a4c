"""The real ffmpeg on real files, or a script in its place to be slow or broken."""

import asyncio
import io
import os
import resource
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from whisper_proxy import bounded_process, decode, decode_queue
from whisper_proxy.decode import Decoder, Wav
from whisper_proxy.errors import ApiError
from whisper_proxy.ffmpeg import Track, decode_command, probe_command
from whisper_proxy.listen import OUT_OF_RESOURCES
from whisper_proxy.log_context import begin_log_context
from whisper_proxy.self_check import Fault, SelfCheck
from whisper_proxy.spool import MEMORY_BYTES

from .samples import chunk, encoded, fmt, riff, silence
from .spools import Spool, new_decoder

PROGRAMS = ("ffmpeg", "ffprobe", "prlimit")
MP4 = ("-movflags", "+frag_keyframe+empty_moov", "mp4")
ENCODINGS = {
    "wav": ("wav",),
    "wav, 8 kHz, stereo, floats": ("-ar", "8000", "-ac", "2", "-c:a", "pcm_f32le", "wav"),
    "wav, ADPCM": ("-c:a", "adpcm_ima_wav", "wav"),
    "mp3": ("-c:a", "libmp3lame", "mp3"),
    "mp3 as VoiceMode sends it": ("-ar", "16000", "-c:a", "libmp3lame", "-b:a", "32k", "mp3"),
    "mpga": ("-c:a", "mp2", "mp2"),
    "mpeg": ("-c:a", "mp2", "mpeg"),
    "flac": ("flac",),
    "ogg": ("-c:a", "libvorbis", "ogg"),
    "opus": ("-c:a", "libopus", "ogg"),
    "webm": ("-c:a", "libopus", "webm"),
    "m4a, mp4": ("-c:a", "aac", *MP4),
    "mp4 with a picture": ("-f", "lavfi", "-i", "color=s=32x32:d=0.5", "-c:a", "aac", *MP4),
}
SAMPLES = bytes(3200)  # 0.1 s
REPAIRED = {
    "a size of 0": riff(fmt(), chunk(b"data", SAMPLES, 0)),
    "a size of -1": riff(fmt(), chunk(b"data", SAMPLES, 0xFFFFFFFF)),
    "cut": riff(fmt(), chunk(b"data", bytes(6400)))[:-3200],
}
JUNK = {
    "text": b"How do you do?" * 100,
    "zeros": bytes(10_000),
    "no format": riff(chunk(b"data", SAMPLES)),
    "an impossible format": riff(fmt(tag=0x7777, channels=255, bits=255), chunk(b"data", SAMPLES)),
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/dev/zero\n#EXT-X-ENDLIST\n",
    "a list of files": b"ffconcat version 1.0\nfile /dev/zero\n",
    "MPEG audio that is none": b"\xff\xfb" + bytes(range(256)) * 40,
    "a playlist that is named FLAC": b"fLaC\n#EXTM3U\n#EXTINF:1,\n/dev/zero\n",
    **{
        f"the head of {name}": head + bytes(5000)
        for name, head in {
            "ogg": b"OggS",
            "webm": b"\x1aE\xdf\xa3",
            "mp4": b"\0\0\0\x18ftypM4A ",
            "flac": b"fLaC",
            "mpeg": b"\0\0\x01\xba",
            "64-bit WAV": b"RF64\xff\xff\xff\xffWAVE",
        }.items()
    },
}


@pytest.fixture
def decoder() -> Decoder:
    return new_decoder()


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as result:
        yield result


class FakeFfmpeg:
    """A script that shadows ffmpeg in PATH and records its process ids."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = directory / "ffmpeg"
        self._ids = directory / "ids"
        monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)

    def does(self, line: str) -> None:
        self._path.write_text(f"#!/bin/sh\necho $$ >>{self._ids}\n{line}\n")
        self._path.chmod(0o755)

    async def started(self, count: int = 1) -> list[int]:
        async with asyncio.timeout(10):
            while len(self.ids()) < count:
                await asyncio.sleep(0.01)
        return self.ids()

    def ids(self) -> list[int]:
        return [int(line) for line in self._ids.read_text().split()] if self._ids.exists() else []


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeFfmpeg:
    return FakeFfmpeg(tmp_path, monkeypatch)


async def decoded(decoder: Decoder, spool: Spool, content: bytes) -> tuple[Wav, bytes]:
    spool.write(content)
    async with decoder.as_wav(spool) as wav:
        with wav.open() as one, wav.open() as two:
            return wav, one.read() if one.read(1) == two.read(1) == b"R" else b""


async def failure(decoder: Decoder, spool: Spool, content: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await decoded(decoder, spool, content)
    return caught.value


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_decoded(decoder: Decoder, spool: Spool, encoding: str) -> None:
    wav, content = await decoded(decoder, spool, encoded(*ENCODINGS[encoding]))
    assert wav.size == len(content) + 1
    assert wav.seconds == pytest.approx(0.5, abs=0.1)
    with wave.open(io.BytesIO(b"R" + content)) as file:
        assert file.getparams()[:3] == (1, 2, 16000)
        assert file.getnframes() == round(wav.seconds * 16000)
        assert len(file.readframes(10**9)) == 2 * file.getnframes() == wav.size - 44


async def test_a_large_upload_is_decoded_from_the_disk(decoder: Decoder, spool: Spool) -> None:
    content = encoded("wav", seconds=2 * MEMORY_BYTES / 88200)
    assert len(content) > MEMORY_BYTES
    wav, _ = await decoded(decoder, spool, content)
    assert wav.seconds == pytest.approx(2 * MEMORY_BYTES / 88200, abs=0.01)


async def test_what_whisper_can_take_is_not_touched(
    decoder: Decoder, spool: Spool, ffmpeg: FakeFfmpeg
) -> None:
    ffmpeg.does("exit 1")
    wav, content = await decoded(decoder, spool, silence(0.25))
    assert (wav.seconds, b"R" + content) == (0.25, silence(0.25))
    assert not ffmpeg.ids()


@pytest.mark.parametrize("case", REPAIRED)
async def test_wrong_sizes_are_repaired(decoder: Decoder, spool: Spool, case: str) -> None:
    wav, _ = await decoded(decoder, spool, REPAIRED[case])
    assert wav.seconds == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("size", [4, 5, 8])
async def test_a_sample_and_a_part_of_one_is_nothing(
    decoder: Decoder, spool: Spool, size: int
) -> None:
    content = riff(fmt(rate=44100, channels=2), chunk(b"data", b"", 0xFFFFFFFF)) + bytes(size)
    wav, _ = await decoded(decoder, spool, content)
    assert wav.seconds < 0.001


@pytest.mark.parametrize("case", JUNK)
async def test_junk_is_a_400(decoder: Decoder, spool: Spool, case: str) -> None:
    error = await failure(decoder, spool, JUNK[case])
    assert (error.status, error.param, error.code) == (400, "file", "undecodable_audio")
    assert "mp3" in error.message


async def test_a_film_without_sound_is_a_400(decoder: Decoder, spool: Spool) -> None:
    silent = encoded("-f", "lavfi", "-i", "color=s=32x32:d=0.2", "-map", "1:v", *MP4)
    assert (await failure(decoder, spool, silent)).code == "undecodable_audio"


@pytest.mark.parametrize("encoding", [("flac",), ("-ar", "16000", "wav")])
async def test_too_long_is_a_413(
    decoder: Decoder, spool: Spool, encoding: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MAX_SECONDS", 1)
    error = await failure(decoder, spool, encoded(*encoding, seconds=2))
    assert (error.status, error.code) == (413, "audio_too_long")


async def test_what_is_too_long_as_it_is_is_a_413(
    decoder: Decoder, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MAX_SECONDS", 1)
    assert (await failure(decoder, spool, silence(1.1))).status == 413


async def test_a_small_file_of_many_hours_fills_no_disk(
    decoder: Decoder, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    real = decode._wav
    monkeypatch.setattr(decode, "MAX_SECONDS", 2)
    monkeypatch.setattr(
        decode, "_wav", lambda file: sizes.append(file.seek(0, os.SEEK_END)) or real(file)
    )
    bomb = encoded("-af", "volume=0", "flac", seconds=600)
    assert (await failure(decoder, spool, bomb)).status == 413
    assert sizes == [3 * 32000 + 44]


def test_ffmpeg_is_told_what_to_open_and_how() -> None:
    line = " ".join(decode_command(Track("mp3", "a:0"), 3601))
    before, _, behind = line.partition(" -f mp3 -i /proc/self/fd/0 ")
    assert "-protocol_whitelist file -format_whitelist 3dostr," in before
    assert "-nostdin" in before
    assert "-t 3601" in behind


def test_ffprobe_opens_no_more_than_ffmpeg() -> None:
    line = " ".join(probe_command())
    assert "-protocol_whitelist file -format_whitelist 3dostr," in line


@pytest.mark.parametrize("missing", PROGRAMS)
async def test_a_missing_program_is_a_501_that_names_it(
    decoder: Decoder,
    spool: Spool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
) -> None:
    webm = encoded("-c:a", "libopus", "webm")
    for program in PROGRAMS:
        if program != missing:
            (tmp_path / program).symlink_to(shutil.which(program) or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    error = await failure(decoder, spool, webm)
    assert (error.status, error.code) == (501, "ffmpeg_missing")
    assert error.headers == {"x-should-retry": "false"}
    assert error.message.startswith(f"{missing} is missing")


async def test_an_ffmpeg_that_cannot_be_loaded_is_missing(
    decoder: Decoder, spool: Spool, ffmpeg: FakeFfmpeg
) -> None:
    flac = encoded("flac")
    ffmpeg.does("exit 127")
    assert (await failure(decoder, spool, flac)).code == "ffmpeg_missing"


async def test_no_file_is_called_damaged_where_it_is_ffmpeg_that_is(
    spool: Spool, ffmpeg: FakeFfmpeg
) -> None:
    check = SelfCheck()
    decoder = new_decoder(check=check)
    flac = encoded("flac")
    ffmpeg.does("exit 1")
    check.faults = (Fault("spool", "full"),)
    assert (await failure(decoder, spool, flac)).status == 400
    check.faults = (Fault("decoder", "ffmpeg does not decode MP3"),)
    error = await failure(decoder, spool, flac)
    assert (error.status, error.code) == (501, "ffmpeg_missing")
    assert error.message.startswith("ffmpeg is broken on the server")


async def test_an_ffmpeg_that_crashes_is_a_400(
    decoder: Decoder, spool: Spool, ffmpeg: FakeFfmpeg
) -> None:
    flac = encoded("flac")
    ffmpeg.does("kill -SEGV $$")
    assert (await failure(decoder, spool, flac)).status == 400


BOUNDS = {
    "memory": ("echo x: Cannot allocate memory >&2; exit 1", 400, "undecodable_audio", "320 MiB"),
    "processor time": ("while :; do :; done", 400, "undecodable_audio", "1 s of processor time"),
    "output": ("kill -XFSZ $$", 413, "audio_too_long", "longer than 4 hours"),
    "disk": ("echo x: No space left on device >&2; exit 1", 507, "disk_full", "disk"),
}


@pytest.mark.parametrize("bound", BOUNDS)
async def test_what_exceeds_a_bound_is_told_which(
    decoder: Decoder,
    spool: Spool,
    ffmpeg: FakeFfmpeg,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
) -> None:
    flac = encoded("flac")
    line, status, code, message = BOUNDS[bound]
    monkeypatch.setattr(bounded_process, "CPU_SECONDS", 1)
    ffmpeg.does(line)
    error = await failure(decoder, spool, flac)
    assert (error.status, error.code) == (status, code)
    assert message in error.message


async def test_a_decoder_that_others_kill_is_not_blamed_on_the_recording(
    decoder: Decoder, spool: Spool, ffmpeg: FakeFfmpeg
) -> None:
    flac = encoded("flac")
    ffmpeg.does("kill -KILL $$")
    error = await failure(decoder, spool, flac)
    assert (error.status, error.code) == (503, "overloaded")
    assert error.headers == {"Retry-After": "5"}


async def test_a_full_disk_is_a_507(spool: Spool) -> None:
    with open("/dev/full", "w+b", 0) as full:
        error = await failure(new_decoder(lambda: full), spool, encoded("flac"))
    assert (error.status, error.code) == (507, "disk_full")


async def test_a_want_of_descriptors_passes(decoder: Decoder, spool: Spool) -> None:
    spool.write(encoded("flac"))
    used = len(os.listdir("/proc/self/fd"))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    for spare in range(12):  # the first wants come at different steps
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, limits[1]))
        try:
            async with decoder.as_wav(spool):
                pass
        except OSError as error:
            assert error.errno in OUT_OF_RESOURCES  # noqa: PT017
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    async with decoder.as_wav(spool) as wav:
        assert wav.seconds == pytest.approx(0.5)


async def test_a_recording_is_measured(spool: Spool) -> None:
    decoder, context = new_decoder(), begin_log_context()
    await decoded(decoder, spool, encoded("flac"))
    count = "whisper_proxy_decode_seconds_count"
    assert decoder.metrics.registry.get_sample_value(count) == 1
    assert context["decode_ms"] > 0


async def test_a_slow_ffmpeg_is_ended(
    decoder: Decoder, spool: Spool, ffmpeg: FakeFfmpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    flac = encoded("flac")
    monkeypatch.setattr(bounded_process, "WALL_SECONDS", 0.3)
    ffmpeg.does("exec sleep 60")
    error = await failure(decoder, spool, flac)
    assert (error.status, error.code) == (503, "overloaded")
    assert not alive(ffmpeg.ids())


async def test_cancelling_ends_ffmpeg(decoder: Decoder, spool: Spool, ffmpeg: FakeFfmpeg) -> None:
    flac = encoded("flac")
    ffmpeg.does("exec sleep 60")
    task = asyncio.create_task(decoded(decoder, spool, flac))
    ids = await ffmpeg.started()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ids
    assert not alive(ids)


async def test_only_so_many_run_at_once(
    spool: Spool, ffmpeg: FakeFfmpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.write(encoded("flac"))
    monkeypatch.setattr(decode_queue, "MAX_PROCESSES", 1)
    ffmpeg.does("exec sleep 60")
    decoder = new_decoder()
    tasks = [asyncio.create_task(decoder.as_wav(spool).__aenter__()) for _ in range(2)]
    await ffmpeg.started()
    await asyncio.sleep(0.2)
    assert len(ffmpeg.ids()) == 1
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def alive(ids: list[int]) -> list[int]:
    """Return those of these processes that exist, zombies included."""
    return [one for one in ids if Path(f"/proc/{one}").exists()]
