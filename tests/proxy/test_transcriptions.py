"""The endpoints over plain HTTP; the openai client's view of them is in test_openai.py."""

import asyncio
import io
import logging
import wave

import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy.decode import Decoder
from whisper_proxy.keys import ADMISSION
from whisper_proxy.settings import Settings

from . import fake_whisper as fake
from .fake_whisper import FakeWhisper
from .recorded import recorded
from .samples import Client, encoded, form, silence

PATH = "/v1/audio/transcriptions"
TRANSLATIONS = "/v1/audio/translations"
JSON = {"text": fake.TEXT, "usage": {"type": "duration", "seconds": 11}}


async def test_json_is_the_default(client: Client) -> None:
    async with client.post(PATH, data=form(model="any")) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert await response.json() == JSON


async def test_text_is_the_words_alone(client: Client) -> None:
    async with client.post(PATH, data=form(response_format="text")) as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert await response.text() == fake.TEXT + "\n"


async def test_silence_is_no_words(client: Client, whisper: FakeWhisper) -> None:
    whisper.texts = []
    async with client.post(PATH, data=form()) as response:
        assert (await response.json())["text"] == ""


async def test_the_audio_and_the_wishes_arrive(client: Client, whisper: FakeWhisper) -> None:
    wishes = form(language="de-AT", prompt="Grüß Gott", temperature="0.5")
    async with client.post(PATH, data=wishes) as response:
        assert response.status == 200
    assert whisper.audio == silence()
    assert whisper.fields["language"] == "de"
    assert whisper.fields["prompt"] == "Grüß Gott"
    assert whisper.fields["temperature"] == "0.500000"


@pytest.mark.parametrize("text", ["我们今天" * 4000, "a" * 60_000, " \0" * 30_000])
async def test_no_prompt_is_too_long_for_whisper_server(
    client: Client, whisper: FakeWhisper, text: str
) -> None:
    async with client.post(PATH, data=form(prompt=text)) as response:
        assert response.status == 200
    assert len(whisper.fields["prompt"].encode()) <= 2048


async def test_a_second_recording_under_another_name_is_ignored(client: Client) -> None:
    data = form(model="whisper-1")
    data.add_field("audio_file", silence(8.0), filename="@audio.m4a")
    async with client.post(PATH, data=data) as response:
        assert await response.json() == JSON


async def test_what_the_ai_sdk_sends(client: Client) -> None:
    sent = {
        "model": "gpt-4o-transcribe",
        "language": "en",
        "response_format": "json",
        "temperature": "0",
        "timestamp_granularities[]": "segment",
    }
    async with client.post(PATH, data=form(**sent)) as response:
        assert (await response.json())["usage"]["type"] == "tokens"


@pytest.mark.parametrize("stream", ["true", "false"])
async def test_whatever_whisper_server_says_a_client_can_read_it(
    client: Client, whisper: FakeWhisper, stream: str
) -> None:
    odd = "a\ud83d\0\n\n1\n00:00 ---> 00:01\nb"
    word = {"word": odd, "start": -1, "end": -5, "probability": 0}
    segment = {"text": odd, "start": -5, "end": -9, "tokens": None, "words": [word]}
    whisper.answer = {"segments": [segment], "duration": -1}
    fields = {"include[]": "logprobs", "stream": stream}
    async with client.post(PATH, data=form(**fields)) as response:
        assert response.status == 200
        assert "a\ufffd\ufffd" in await response.text()


async def test_what_is_refused_never_reaches_whisper_server(
    client: Client, whisper: FakeWhisper
) -> None:
    async with client.post(PATH, data=form(language="xx")) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"] == "language"
    async with client.post(PATH, data=form(audio=b"")) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"] == "file"
    assert "/inference" not in whisper.paths


async def test_any_audio_arrives_as_wav(client: Client, whisper: FakeWhisper) -> None:
    async with client.post(PATH, data=form(encoded("-c:a", "libmp3lame", "mp3"))) as response:
        assert response.status == 200
    with wave.open(io.BytesIO(whisper.audio)) as file:
        assert file.getparams()[:3] == (1, 2, 16000)


async def test_what_the_queue_would_refuse_is_not_decoded(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    admission = client.app[ADMISSION]  # type: ignore[index]
    admission.cost.record(1, 1000)
    monkeypatch.setattr(Decoder, "_timed", decode)
    data = form(encoded("-c:a", "libmp3lame", "mp3"))
    async with admission.admitted(1), client.post(PATH, data=data) as response:
        assert response.status == 503
        assert (await response.json())["error"]["code"] == "overloaded"
        assert response.headers["Retry-After"] == "60"


async def test_audio_that_is_too_short_to_hear_has_no_words(
    client: Client, whisper: FakeWhisper
) -> None:
    data = form(silence(0.09), response_format="verbose_json", language="de")
    async with client.post(PATH, data=data) as response:
        assert response.status == 200
        body = await response.json()
    assert (body["text"], body["segments"], body["duration"]) == ("", [], 0.09)
    assert body["language"] == "german"
    assert "/inference" not in whisper.paths


async def test_junk_is_a_400(client: Client, whisper: FakeWhisper) -> None:
    async with client.post(PATH, data=form(b"junk")) as response:
        assert response.status == 400
        error = (await response.json())["error"]
    assert error["type"] == "invalid_request_error"
    assert error["code"] == "undecodable_audio"
    assert error["param"] == "file"
    assert "/inference" not in whisper.paths


async def test_what_whisper_server_cannot_read_is_a_400(
    client: Client, whisper: FakeWhisper
) -> None:
    whisper.error = fake.INVALID
    async with client.post(PATH, data=form()) as response:
        assert response.status == 400
        assert "could not decode" in (await response.json())["error"]["message"]


@pytest.mark.parametrize(
    ("response_format", "content_type", "text"),
    [
        ("srt", "text/plain; charset=utf-8", "1\n00:00:00,000 --> 00:00:08,000\nAnd so"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00.000 --> 00:00:08.000\nAnd so"),
        ("verbose_json", "application/json; charset=utf-8", '{"task": "transcribe"'),
    ],
)
async def test_formats(
    client: Client, whisper: FakeWhisper, response_format: str, content_type: str, text: str
) -> None:
    whisper.answer = recorded("v1.9.1-speech")
    async with client.post(PATH, data=form(response_format=response_format)) as response:
        assert response.headers["Content-Type"] == content_type
        assert (await response.text()).startswith(text)


async def test_words_are_asked_for_only_when_wanted(client: Client, whisper: FakeWhisper) -> None:
    words = form(**{"response_format": "verbose_json", "timestamp_granularities[]": "word"})
    for data, sent in ((form(), "false"), (words, "true")):
        async with client.post(PATH, data=data) as response:
            assert response.status == 200
        assert whisper.fields["token_timestamps"] == sent


async def test_a_stream_is_events_with_an_id(client: Client) -> None:
    async with client.post(PATH, data=form(stream="true")) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["x-request-id"]
        assert (await response.text()).endswith("data: [DONE]\n\n")


async def test_what_fails_before_the_first_event_is_an_error(
    client: Client, whisper: FakeWhisper
) -> None:
    whisper.error = fake.FAILED
    async with client.post(PATH, data=form(stream="true")) as response:
        assert (response.status, response.content_type) == (502, "application/json")


async def test_a_translation_is_in_english(client: Client, whisper: FakeWhisper) -> None:
    data = form(response_format="verbose_json", language="en")
    async with client.post(TRANSLATIONS, data=data) as response:
        body = await response.json()
    assert (body["task"], body["language"]) == ("translate", "english")
    assert (whisper.fields["translate"], whisper.fields["language"]) == ("true", "auto")


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
    assert f"path={PATH} status=200 outcome=ok audio_bytes={len(silence())} wait_ms=" in line
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
    assert f"path={PATH} status=499 outcome=client_gone" in caplog.text


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

    async def test_a_translation_is_a_400(self, client: Client, whisper: FakeWhisper) -> None:
        async with client.post(TRANSLATIONS, data=form()) as response:
            assert response.status == 400
            assert "cannot translate" in (await response.json())["error"]["message"]
        assert "/inference" not in whisper.paths
