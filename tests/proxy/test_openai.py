"""The official client, both kinds, against the proxy on a loopback port."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from aiohttp.test_utils import TestServer

from . import fake_whisper as fake
from .fake_whisper import FakeWhisper
from .samples import silence

FILE = ("speech.wav", silence())


@pytest.fixture
async def client(proxy: TestServer) -> AsyncIterator[openai.AsyncOpenAI]:
    url = str(proxy.make_url("/v1"))
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as result:
        yield result


@pytest.fixture
def blocking(proxy: TestServer) -> Iterator[openai.OpenAI]:
    url = str(proxy.make_url("/v1"))
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as result:
        yield result


async def test_json(client: openai.AsyncOpenAI) -> None:
    answer = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=FILE)
    assert answer.text == fake.TEXT
    assert answer._request_id
    assert answer._request_id.startswith("req_")


async def test_text(client: openai.AsyncOpenAI) -> None:
    answer = await client.audio.transcriptions.create(
        model="whisper-1", file=FILE, response_format="text"
    )
    assert answer == fake.TEXT + "\n"


async def test_bytes_without_a_name(client: openai.AsyncOpenAI, whisper: FakeWhisper) -> None:
    await client.audio.transcriptions.create(model="whisper-1", file=silence())
    assert whisper.audio == silence()


async def test_wishes(client: openai.AsyncOpenAI, whisper: FakeWhisper) -> None:
    await client.audio.transcriptions.create(
        model="whisper-1", file=FILE, language="pt-BR", prompt="Olá", temperature=0.5
    )
    assert [whisper.fields[name] for name in ("language", "prompt", "temperature")] == [
        "pt",
        "Olá",
        "0.500000",
    ]


async def test_the_blocking_client(blocking: openai.OpenAI) -> None:
    create = blocking.audio.transcriptions.create
    answer = await asyncio.to_thread(create, model="whisper-1", file=FILE)
    assert answer.text == fake.TEXT
    text = await asyncio.to_thread(create, model="whisper-1", file=FILE, response_format="text")
    assert text == fake.TEXT + "\n"


async def test_the_blocking_clients_exception(blocking: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Whisper does not know"):
        await asyncio.to_thread(
            blocking.audio.transcriptions.create,
            model="whisper-1",
            file=FILE,
            language="xx",
        )


@pytest.mark.parametrize(
    ("wishes", "param"),
    [
        ({"response_format": "srt"}, "response_format"),
        ({"language": "xx"}, "language"),
        ({"temperature": 2}, "temperature"),
        ({"stream": True}, "stream"),
    ],
)
async def test_a_bad_request(
    client: openai.AsyncOpenAI, wishes: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.audio.transcriptions.create(model="whisper-1", file=FILE, **wishes)
    error = caught.value
    assert (error.type, error.param, error.code is None) == (
        "invalid_request_error",
        param,
        False,
    )
    assert error.request_id


@pytest.mark.parametrize(
    ("error", "exception", "status"),
    [
        (fake.INVALID, openai.BadRequestError, 400),
        (fake.UNREADABLE_1_7, openai.BadRequestError, 400),
        (fake.STOF, openai.InternalServerError, 502),
        (fake.FAILED, openai.InternalServerError, 502),
    ],
)
async def test_errors_of_whisper_server(
    client: openai.AsyncOpenAI,
    whisper: FakeWhisper,
    error: tuple[int, str, str],
    exception: type[openai.APIStatusError],
    status: int,
) -> None:
    whisper.error = error
    with pytest.raises(exception) as caught:
        await client.audio.transcriptions.create(model="whisper-1", file=FILE)
    assert caught.value.status_code == status


async def test_no_server(client: openai.AsyncOpenAI, whisper_server: TestServer) -> None:
    await whisper_server.close()
    with pytest.raises(openai.InternalServerError, match="does not answer") as caught:
        await client.audio.transcriptions.create(model="whisper-1", file=FILE)
    assert caught.value.status_code == 503
    assert caught.value.response.headers["Retry-After"] == "5"


async def test_models(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["small", "whisper-1"]
    assert (await client.models.retrieve("whisper-1")).object == "model"
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        await client.models.retrieve("large")


async def test_an_endpoint_that_is_not_there(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="There is no /v1/audio/speech"):
        await client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.")
