"""Requests to whisper-server, and how its answers are mapped."""

import asyncio
import itertools
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy import upstream as module
from whisper_proxy.errors import ApiError
from whisper_proxy.fields import TranscriptionRequest
from whisper_proxy.spool import MEMORY_BYTES
from whisper_proxy.upstream import LostError, NotReachedError, Upstream, open_session
from whisper_proxy.vad import Vad

from . import fake_whisper as fake
from .fake_whisper import FakeWhisper
from .spools import Spool

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
REQUEST = TranscriptionRequest("de", "Grüß Gott", 0.25, "json")
ERRORS = [
    (fake.INVALID, 400, "undecodable_audio"),
    (fake.UNREADABLE_1_7, 400, "undecodable_audio"),
    (fake.FFMPEG_FAILED_1_7, 400, "undecodable_audio"),
    (fake.FFMPEG_FAILED, 400, "undecodable_audio"),
    (fake.ODD_ERROR_1_7, 502, "upstream_error"),
    (fake.STOF, 502, "upstream_error"),
    (fake.FAILED, 502, "upstream_error"),
    (fake.NOT_FOUND, 502, "upstream_error"),
    ((200, "text/html", "<html>"), 502, "upstream_error"),
    ((200, "application/json", "{}"), 502, "upstream_error"),
    ((200, "application/json", "[]"), 502, "upstream_error"),
    ((200, "application/json", '{"segments":[{"text":"secr'), 502, "upstream_error"),
    ((302, "text/plain", ""), 502, "upstream_error"),
    ((204, "text/plain", ""), 502, "upstream_error"),
    ((200, "application/json", "[" * 100_000), 502, "upstream_error"),
    ((200, "application/json", '{"segments":[' + "[" * 100_000), 502, "upstream_error"),
    ((200, "application/json", '{"segments":[],"duration":1e999}'), 502, "upstream_error"),
    ((200, "application/json", '{"segments":[],"duration":NaN}'), 502, "upstream_error"),
    (
        (200, "application/json", '{"segments":[],"duration":' + "9" * 5000 + "}"),
        502,
        "upstream_error",
    ),
    ((200, "application/json", " " * (2 << 20) + '{"segments":[]}'), 502, "upstream_error"),
]
NONSENSE = {
    "no HTTP": b"\0\0\0\0\r\n\r\n",
    "headers without an end": OK + b"X: " + b"a" * 100_000,
    "headers in great number": OK + b"X: a\r\n" * 100_000,
    "a length that is none": OK + b"Content-Length: x\r\n\r\n",
    "compressed": OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n\x1f\x8bxxxxxxx",
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as result:
        yield result


@pytest.fixture
def upstream(whisper_server: TestServer, session: aiohttp.ClientSession) -> Upstream:
    return Upstream(fake.address(whisper_server), session)


@pytest.fixture
def nobody(session: aiohttp.ClientSession) -> Upstream:
    with socket.create_server(("127.0.0.1", 0)) as closed_again:
        port = closed_again.getsockname()[1]
    return Upstream(f"http://127.0.0.1:{port}", session)


async def transcribe(upstream: Upstream, audio: bytes = b"RIFF") -> str:
    with Spool() as spool:
        spool.write(audio)
        return (await upstream.transcribe(spool, REQUEST)).text


async def failure(upstream: Upstream) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await transcribe(upstream)
    return caught.value


class TestPath:
    """whisper-server answers below a secret path, which each generation has anew."""

    @pytest.fixture
    def whisper(self) -> FakeWhisper:
        return FakeWhisper(path="/5ec2e7")

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "request-path"
        file.write_text("/5ec2e7\n")
        return file

    @pytest.fixture
    def upstream(
        self, whisper_server: TestServer, session: aiohttp.ClientSession, file: Path
    ) -> Upstream:
        return Upstream(fake.address(whisper_server), session, str(file))

    async def test_the_path_is_that_of_the_file(
        self, upstream: Upstream, whisper: FakeWhisper
    ) -> None:
        assert await transcribe(upstream) == fake.TEXT
        assert await upstream.state() == "ready"
        assert whisper.paths == ["/5ec2e7/inference", "/5ec2e7/health"]

    @pytest.mark.parametrize("path", ["/0ther", "", None])
    async def test_a_server_with_another_path_is_not_reached(
        self, upstream: Upstream, file: Path, path: str | None
    ) -> None:
        file.unlink() if path is None else file.write_text(path)
        with pytest.raises(NotReachedError):
            await transcribe(upstream)

    async def test_its_successor_is_reached(self, upstream: Upstream, file: Path) -> None:
        file.write_text("/0ther")
        assert await upstream.state() == "unreachable"
        file.write_text("/5ec2e7")
        assert await upstream.state() == "ready"
        assert await transcribe(upstream) == fake.TEXT

    async def test_another_user_s_gets_neither_speech_nor_the_path(
        self, upstream: Upstream, whisper: FakeWhisper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 65534)
        with pytest.raises(NotReachedError):
            await transcribe(upstream)
        assert await upstream.state() == "unreachable"
        assert whisper.paths == []

    async def test_one_without_a_path_goes_on_working(
        self, upstream: Upstream, whisper: FakeWhisper, file: Path
    ) -> None:
        whisper.path = ""
        file.unlink()
        assert await transcribe(upstream) == fake.TEXT
        assert await upstream.state() == "ready"


async def test_every_field_is_sent_every_time(upstream: Upstream, whisper: FakeWhisper) -> None:
    assert await transcribe(upstream) == fake.TEXT
    assert whisper.fields == {
        "response_format": "verbose_json",
        "language": "de",
        "prompt": "Grüß Gott",
        "temperature": "0.250000",
        "translate": "false",
        "token_timestamps": "false",
        "max_len": "-1",
        "no_language_probabilities": "true",
    }
    assert whisper.filename == "audio"


async def test_what_is_not_asked_is_sent_empty(upstream: Upstream, whisper: FakeWhisper) -> None:
    with Spool() as spool:
        spool.write(b"RIFF")
        await upstream.transcribe(spool, TranscriptionRequest("auto", "", 1e-40, "json"))
    assert (whisper.fields["prompt"], whisper.fields["temperature"]) == ("", "0.000000")


@pytest.mark.parametrize("size", [1, MEMORY_BYTES + 1, 5 * MEMORY_BYTES])
async def test_the_audio_is_sent_whole_with_its_length(
    upstream: Upstream, whisper: FakeWhisper, size: int
) -> None:
    audio = (bytes(range(251)) * (size // 251 + 1))[:size]
    await transcribe(upstream, audio)
    assert whisper.audio == audio
    assert whisper.content_length  # without one the real server waits forever


@pytest.mark.parametrize(("error", "status", "code"), ERRORS)
async def test_an_error_is_understood(
    upstream: Upstream,
    whisper: FakeWhisper,
    error: tuple[int, str, str],
    status: int,
    code: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whisper.error = error
    caught = await failure(upstream)
    assert (caught.status, caught.code) == (status, code)
    assert "secr" not in caplog.text


@asynccontextmanager
async def answering(chunks: Iterable[bytes]) -> AsyncIterator[str]:
    """Provide the address of a server that answers each request with these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n--")
        with suppress(ConnectionError):
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_a_502(session: aiohttp.ClientSession, answer: bytes) -> None:
    async with answering([answer]) as url:
        assert (await failure(Upstream(url, session))).status == 502


async def test_an_endless_answer_is_cut_off(session: aiohttp.ClientSession) -> None:
    blanks = itertools.chain([OK + b"\r\n"], itertools.repeat(b" " * 65536))
    async with answering(blanks) as url:
        assert (await failure(Upstream(url, session))).status == 502


async def test_a_long_recording_may_have_a_long_answer(
    upstream: Upstream, whisper: FakeWhisper
) -> None:
    words = [{"word": " a", "start": 0.5, "end": 1.5, "t_dtw": -1, "probability": 0.5}] * 5000
    whisper.answer = {"segments": [{"text": " a" * 5000, "words": words}] * 10}
    assert len(await transcribe(upstream, bytes(40 << 20))) == 99_999
    assert (await failure(upstream)).status == 502


async def test_a_broken_character_is_no_failure(session: aiohttp.ClientSession) -> None:
    answer = b'{"segments":[{"text":" he\xff\xfello \\ud83d"}]}'
    async with answering([OK + b"\r\n" + answer]) as url:
        assert await transcribe(Upstream(url, session)) == "he\ufffd\ufffdllo \ufffd"


async def test_a_server_that_is_not_there(nobody: Upstream) -> None:
    with pytest.raises(NotReachedError):
        await transcribe(nobody)


@pytest.mark.parametrize("size", [1, 3 * MEMORY_BYTES])
async def test_a_server_that_crashes(upstream: Upstream, whisper: FakeWhisper, size: int) -> None:
    whisper.crashes = 1
    with pytest.raises(LostError) as caught:
        await transcribe(upstream, bytes(size))
    assert caught.value.started


async def test_a_server_that_goes_away_before_it_has_the_request(
    session: aiohttp.ClientSession,
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LostError) as caught:
            await transcribe(Upstream(f"http://127.0.0.1:{port}", session), bytes(32 * 1024**2))
    assert not caught.value.started


async def test_a_connection_is_used_once(upstream: Upstream, whisper_server: TestServer) -> None:
    for _ in range(2):
        await transcribe(upstream)
    assert whisper_server.handler is not None
    assert not whisper_server.handler.connections


async def test_words_and_translation_are_asked_for(
    upstream: Upstream, whisper: FakeWhisper
) -> None:
    request = TranscriptionRequest("auto", "", 0, "verbose_json", ("word",), translate=True)
    with Spool() as spool:
        spool.write(b"RIFF")
        await upstream.transcribe(spool, request)
    assert (whisper.fields["translate"], whisper.fields["token_timestamps"]) == ("true", "true")


async def test_what_is_heard_is_said_to_a_server_with_vad(
    whisper_server: TestServer, session: aiohttp.ClientSession, whisper: FakeWhisper
) -> None:
    upstream = Upstream(fake.address(whisper_server), session, vad=True)
    request = replace(REQUEST, vad=Vad(0.25, 200, 300, 50))
    with Spool() as spool:
        spool.write(b"RIFF")
        await upstream.transcribe(spool, request)
    assert {name: text for name, text in whisper.fields.items() if name.startswith("vad")} == {
        "vad": "true",
        "vad_threshold": "0.250000",
        "vad_speech_pad_ms": "200",
        "vad_min_silence_duration_ms": "300",
        "vad_min_speech_duration_ms": "50",
    }


async def test_a_server_without_vad_is_asked_again_without(
    whisper_server: TestServer, session: aiohttp.ClientSession, whisper: FakeWhisper
) -> None:
    # As after a rollback, while this proxy answers what it still has.
    whisper.has_vad = False
    assert await transcribe(Upstream(fake.address(whisper_server), session, vad=True)) == fake.TEXT
    assert whisper.paths == ["/inference", "/inference"]
    assert "vad" not in whisper.fields


async def test_where_words_are_wanted_all_is_heard(
    whisper_server: TestServer, session: aiohttp.ClientSession, whisper: FakeWhisper
) -> None:
    # whisper-server counts their times without what VAD has cut out.
    upstream = Upstream(fake.address(whisper_server), session, vad=True)
    with Spool() as spool:
        spool.write(b"RIFF")
        await upstream.transcribe(spool, replace(REQUEST, granularities=("word",)))
    assert (whisper.fields["vad"], whisper.fields["vad_threshold"]) == ("true", "0.000000")


async def test_states(upstream: Upstream, nobody: Upstream, whisper: FakeWhisper) -> None:
    assert await upstream.state() == "ready"
    whisper.health_status = 404  # after a failed /load
    assert await upstream.state() == "failing"
    assert await nobody.state() == "unreachable"


async def test_slow_is_busy(
    upstream: Upstream, whisper: FakeWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEALTH_SECONDS", 0.1)
    whisper.health_seconds = 5
    assert await upstream.state() == "busy"


async def test_no_word_of_an_answer_is_logged(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await transcribe(upstream)
    assert "country" not in caplog.text
    assert "Gott" not in caplog.text
