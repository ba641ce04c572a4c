"""The endpoint over plain HTTP; the openai client's view of it is in test_openai.py."""

import asyncio
import logging

import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy.settings import Settings

from . import fake_whisper as fake
from .fake_whisper import FakeWhisper
from .samples import Client, form, silence

PATH = "/v1/audio/transcriptions"


async def test_json_is_the_default(client: Client) -> None:
    async with client.post(PATH, data=form(model="any")) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert await response.json() == {"text": fake.TEXT}


async def test_text_is_the_words_alone(client: Client) -> None:
    async with client.post(PATH, data=form(response_format="text")) as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert await response.text() == fake.TEXT + "\n"


async def test_silence_is_no_words(client: Client, whisper: FakeWhisper) -> None:
    whisper.texts = []
    async with client.post(PATH, data=form()) as response:
        assert await response.json() == {"text": ""}


async def test_the_audio_and_the_wishes_arrive(client: Client, whisper: FakeWhisper) -> None:
    wishes = form(language="de-AT", prompt="Grüß Gott", temperature="0.5")
    async with client.post(PATH, data=wishes) as response:
        assert response.status == 200
    assert whisper.audio == silence()
    assert whisper.fields["language"] == "de"
    assert whisper.fields["prompt"] == "Grüß Gott"
    assert whisper.fields["temperature"] == "0.500000"


async def test_what_is_refused_never_reaches_whisper_server(
    client: Client, whisper: FakeWhisper
) -> None:
    async with client.post(PATH, data=form(language="xx")) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"] == "language"
    async with client.post(PATH, data=form(audio=b"")) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"] == "file"
    assert whisper.paths == []


async def test_junk_is_a_400(client: Client, whisper: FakeWhisper) -> None:
    whisper.error = fake.INVALID
    async with client.post(PATH, data=form(b"junk")) as response:
        assert response.status == 400
        error = (await response.json())["error"]
    assert error["type"] == "invalid_request_error"
    assert "could not decode" in error["message"]
    assert error["param"] == "file"


async def test_no_server_is_a_503_with_a_time_to_retry(
    client: Client, whisper_server: TestServer
) -> None:
    await whisper_server.close()
    async with client.post(PATH, data=form()) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "5"
        assert (await response.json())["error"]["type"] == "server_error"


async def test_the_log_has_sizes_and_no_words(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with client.post(PATH, data=form(prompt="secret")) as response:
        assert response.status == 200
    (line,) = [record.message for record in caplog.records if record.name.startswith("whisper")]
    assert f"POST {PATH} 200 audio_bytes={len(silence())} ms=" in line
    assert "secret" not in caplog.text
    assert "country" not in caplog.text


async def test_a_client_that_goes_away_ends_its_inference(
    client: Client, whisper: FakeWhisper, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "whisper_proxy")
    whisper.seconds = 30

    async def ask() -> None:
        async with client.post(PATH, data=form()):
            pass

    request = asyncio.create_task(ask())
    await asyncio.wait_for(whisper.started.wait(), 5)
    request.cancel()
    await asyncio.wait_for(whisper.aborted.wait(), 5)
    assert f"POST {PATH} 499" in caplog.text


class TestEnglishOnly:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(upstream=settings.upstream, model="small.en")

    async def test_auto_is_english(self, client: Client, whisper: FakeWhisper) -> None:
        async with client.post(PATH, data=form(language="auto")) as response:
            assert response.status == 200
        assert whisper.fields["language"] == "en"

    async def test_another_language_is_a_400(self, client: Client) -> None:
        async with client.post(PATH, data=form(language="de")) as response:
            assert response.status == 400
            assert "English-only" in (await response.json())["error"]["message"]
