"""Requests to whisper-server, and how its answers are mapped."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy import upstream as module
from whisper_proxy.errors import ApiError
from whisper_proxy.fields import TranscriptionRequest
from whisper_proxy.upload import MEMORY_BYTES, Spool
from whisper_proxy.upstream import LostError, NotReachedError, Upstream, open_session

from . import fake_whisper as fake
from .fake_whisper import FakeWhisper

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
]


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


async def test_a_server_that_hangs_is_a_504(
    upstream: Upstream, whisper: FakeWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INFERENCE_SECONDS", 0.1)
    whisper.seconds = 5
    caught = await failure(upstream)
    assert (caught.status, caught.code) == (504, "upstream_timeout")


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
    upstream: Upstream, whisper: FakeWhisper, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await transcribe(upstream)
    assert "country" not in caplog.text
    assert "Gott" not in caplog.text
