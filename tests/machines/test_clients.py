"""OpenAI's own client, both kinds, before a real whisper-server with a real model."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.boxes import Box
from tests.machines.deploying import raise_boxes, sample
from tests.proxy import voicemode
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken

MODEL = "whisper-1"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("clients", base=served) as (serving,):
        yield serving


@pytest.fixture(scope="module")
def url(box: Box) -> Iterator[str]:
    with tunnel(box, 2023) as found:
        yield f"{found}/v1"


@pytest.fixture(scope="module")
def speech(box: Box) -> tuple[str, bytes]:
    return ("speech", sample(box))


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=60) as made:
        yield made


@pytest.mark.parametrize("audio_format", ["json", "text", "srt", "vtt", "verbose_json"])
def test_every_format(client: openai.OpenAI, speech: Any, audio_format: Any):
    answer = client.audio.transcriptions.create(
        model=MODEL, file=speech, response_format=audio_format
    )
    text = answer if isinstance(answer, str) else answer.text
    assert is_spoken(text)
    if audio_format in ("srt", "vtt"):
        assert " --> 00:00:" in text


@pytest.mark.parametrize("audio_format", ["json", "verbose_json"])
async def test_the_asynchronous_client(url: str, speech: Any, audio_format: Any):
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        answer = await client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=speech, response_format=audio_format, language="en-US"
        )
    assert is_spoken(answer.text)


def test_words_have_their_times(client: openai.OpenAI, speech: Any):
    answer = client.audio.transcriptions.create(
        model=MODEL,
        file=speech,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert answer.words
    assert answer.segments
    assert is_spoken(" ".join(word.word for word in answer.words))
    times = [word.start for word in answer.words]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] < answer.words[-1].end + 0.01 <= 11.1
    assert (answer.language, round(answer.duration)) == ("english", 11)


def test_streaming(client: openai.OpenAI, speech: Any):
    events = list(client.audio.transcriptions.create(model=MODEL, file=speech, stream=True))
    deltas = "".join(event.delta for event in events if event.type == "transcript.text.delta")
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == deltas
    assert is_spoken(deltas)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # so OpenAI calls it
def test_an_english_model_cannot_translate(client: openai.OpenAI, speech: Any):
    with pytest.raises(openai.BadRequestError, match="English-only and cannot translate"):
        client.audio.translations.create(model=MODEL, file=speech)


def test_what_cannot_be_decoded_is_the_client_s_own_exception(client: openai.OpenAI):
    with pytest.raises(openai.BadRequestError, match="no format that is known"):
        client.audio.transcriptions.create(model=MODEL, file=("x.wav", b"junk" * 1000))


def test_other_audio_is_decoded(box: Box, client: openai.OpenAI):
    made = "ffmpeg -v error -i ~/.voicemode/services/whisper.cpp/samples/jfk.wav"
    for encoding in ("-c:a libopus -f webm", "-c:a libmp3lame -f mp3", "-c:a flac -f flac"):
        box.run(f"{made} -y {encoding} /tmp/speech")
        audio = box.run("base64 /tmp/speech").stdout
        answer = client.audio.transcriptions.create(
            model=MODEL, file=("wrong-name.wav", base64.b64decode(audio))
        )
        assert is_spoken(answer.text), encoding


def test_voicemode_gets_words(url: str, speech: tuple[str, bytes], tmp_path: Path):
    recording = tmp_path / "speech.wav"
    recording.write_bytes(speech[1])
    result = voicemode.transcribe(voicemode.installed(), url.removesuffix("/v1"), recording)
    assert is_spoken(result["transcription"]["text"])
    assert "{" not in result["transcription"]["text"]
