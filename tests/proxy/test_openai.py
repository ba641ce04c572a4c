"""The official client, both kinds, against the proxy on a loopback port."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from aiohttp.test_utils import TestServer
from openai.types.audio.transcription import UsageTokens
from whisper_proxy.models import OPENAI_NAMES

from . import fake_whisper as fake
from .fake_whisper import FakeWhisper
from .recorded import recorded
from .samples import encoded, silence

FILE = ("speech.wav", silence())
SPEECH = (
    "And so my fellow Americans ask not what your country can do for you "
    "ask what you can do for your country."
)


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


async def test_verbose_json(client: openai.AsyncOpenAI, whisper: FakeWhisper) -> None:
    whisper.answer = recorded("v1.9.1-speech")
    answer = await client.audio.transcriptions.create(
        model="whisper-1", file=FILE, response_format="verbose_json"
    )
    assert (answer.language, answer.duration, answer.text) == ("english", 11.0, SPEECH)
    assert answer.segments
    assert answer.segments[1].model_dump() == {
        "id": 1,
        "seek": 0,
        "start": 8.0,
        "end": 11.0,
        "text": " ask what you can do for your country.",
        "tokens": [1265, 644, 345, 460, 466, 329, 534, 1499, 13],
        "temperature": 0.0,
        "avg_logprob": -0.0736246109008789,
        "compression_ratio": pytest.approx(1.36, abs=0.01),
        "no_speech_prob": 0.034435488283634186,
    }
    assert answer.words is None
    assert answer.usage
    assert (answer.usage.type, answer.usage.seconds) == ("duration", 11)


async def test_words(client: openai.AsyncOpenAI, whisper: FakeWhisper) -> None:
    whisper.answer = recorded("v1.9.1-speech")
    answer = await client.audio.transcriptions.create(
        model="whisper-1",
        file=FILE,
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert answer.words
    assert " ".join(word.word for word in answer.words) == SPEECH
    assert (answer.words[-1].start, answer.words[-1].end) == (10.1, 11.0)
    assert answer.segments is None


@pytest.mark.parametrize(
    ("response_format", "beginning"),
    [("srt", "1\n00:00:00,000 --> "), ("vtt", "WEBVTT\n\n00:00:00.000 --> ")],
)
async def test_subtitles(
    client: openai.AsyncOpenAI, whisper: FakeWhisper, response_format: Any, beginning: str
) -> None:
    whisper.answer = recorded("v1.9.1-speech")
    answer: Any = await client.audio.transcriptions.create(
        model="whisper-1", file=FILE, response_format=response_format
    )
    assert answer.startswith(beginning)
    assert answer.endswith("ask what you can do for your country.\n\n")


async def test_a_stream(client: openai.AsyncOpenAI) -> None:
    stream = await client.audio.transcriptions.create(
        model="gpt-4o-mini-transcribe", file=FILE, stream=True
    )
    *deltas, done = [event async for event in stream]
    assert [event.type for event in deltas] == ["transcript.text.delta"] * 2
    assert "".join(getattr(event, "delta", "") for event in deltas) == fake.TEXT
    assert done.type == "transcript.text.done"
    assert done.text == fake.TEXT


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "gpt-4o-mini-transcribe-2025-12-15"])
async def test_logprobs_and_tokens(
    client: openai.AsyncOpenAI, whisper: FakeWhisper, model: str
) -> None:
    whisper.answer = recorded("v1.9.1-speech")
    answer = await client.audio.transcriptions.create(
        model=model, file=FILE, include=["logprobs"], timestamp_granularities=["segment"]
    )
    assert answer.logprobs
    assert "".join(one.token or "" for one in answer.logprobs).strip() == SPEECH
    assert all(bytes(map(int, one.bytes or [])).decode() == one.token for one in answer.logprobs)
    assert answer.logprobs[0].logprob == pytest.approx(-0.4044, abs=1e-4)
    assert isinstance(answer.usage, UsageTokens)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (110, 23)
    assert answer.usage.total_tokens == 133


async def test_the_languages_of_gpt_transcribe(
    client: openai.AsyncOpenAI, whisper: FakeWhisper
) -> None:
    answer = await client.audio.transcriptions.create(
        model="gpt-transcribe", file=FILE, languages=["en", "de"], keywords=["ROCm"]
    )
    assert [language.code for language in answer.languages or []] == ["en"]
    assert answer.usage
    assert answer.usage.type == "duration"
    assert (whisper.fields["language"], whisper.fields["prompt"]) == ("auto", "ROCm")
    whisper.texts = []
    answer = await client.audio.transcriptions.create(model="gpt-transcribe", file=FILE)
    assert answer.languages == []


async def test_a_stream_with_logprobs(client: openai.AsyncOpenAI, whisper: FakeWhisper) -> None:
    whisper.answer = recorded("v1.9.1-speech")
    stream = await client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=FILE, stream=True, include=["logprobs"]
    )
    *deltas, done = [event async for event in stream]
    assert [len(getattr(event, "logprobs", None) or []) for event in deltas] == [14, 9]
    assert done.type == "transcript.text.done"
    assert done.usage
    assert (len(done.logprobs or []), done.usage.total_tokens) == (23, 133)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # by OpenAI, of whisper-1
async def test_a_translation(client: openai.AsyncOpenAI, whisper: FakeWhisper) -> None:
    answer = await client.audio.translations.create(model="whisper-1", file=FILE)
    assert answer.text == fake.TEXT
    assert whisper.fields["translate"] == "true"
    verbose = await client.audio.translations.create(
        model="whisper-1", file=FILE, response_format="verbose_json"
    )
    assert (verbose.language, len(verbose.segments or [])) == ("english", 2)


async def test_an_mp3(client: openai.AsyncOpenAI, whisper: FakeWhisper) -> None:
    mp3 = encoded("-c:a", "libmp3lame", "mp3")
    await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", mp3))
    assert whisper.audio[:4] == b"RIFF"


async def test_everything_that_changes_nothing(client: openai.AsyncOpenAI) -> None:
    answer = await client.audio.transcriptions.create(
        model="gpt-transcribe",
        file=FILE,
        chunking_strategy={"type": "server_vad", "threshold": 0.5},
        stream=False,
    )
    assert answer.text == fake.TEXT


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


async def test_the_blocking_clients_words(blocking: openai.OpenAI, whisper: FakeWhisper) -> None:
    whisper.answer = recorded("v1.9.1-quotes")
    answer = await asyncio.to_thread(
        blocking.audio.transcriptions.create,
        model="whisper-1",
        file=FILE,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert [word.word for word in answer.words or []] == answer.text.split()
    assert answer.segments


async def test_the_blocking_clients_stream(blocking: openai.OpenAI) -> None:
    def stream() -> list[str]:
        create = blocking.audio.transcriptions.create
        return [event.type for event in create(model="whisper-1", file=FILE, stream=True)]

    assert (await asyncio.to_thread(stream))[-1] == "transcript.text.done"


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
        ({"response_format": "diarized_json"}, "response_format"),
        ({"include": ["items"]}, "include"),
        ({"known_speaker_names": ["ada"]}, "known_speaker_names"),
        (
            {"timestamp_granularities": ["word"], "response_format": "srt"},
            "timestamp_granularities",
        ),
        ({"language": "xx"}, "language"),
        ({"temperature": 2}, "temperature"),
        ({"stream": True, "response_format": "vtt"}, "stream"),
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
    assert [model.id async for model in client.models.list()] == ["small", *OPENAI_NAMES]
    assert (await client.models.retrieve("whisper-1")).object == "model"
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        await client.models.retrieve("large")


async def test_an_endpoint_that_is_not_there(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="There is no /v1/audio/speech"):
        await client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.")
