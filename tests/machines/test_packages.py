"""Other people's client packages, as they are, before a real whisper-server with a real model."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.boxes import Box
from tests.clients import client
from tests.clients.client import Answer, Client
from tests.machines.deploying import ROOT, SERVICES, deployed, raise_boxes, sample
from tests.proxy import voicemode
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken

pytestmark = pytest.mark.clients

SECONDS = 11.0  # the recording
KEY = "correct-horse"
WORDS_AND_SEGMENTS = {
    "response_format": "verbose_json",
    "timestamp_granularities": ["word", "segment"],
}
PACKAGES = {
    "openai-python": client.openai_python,
    "openai-node": client.openai_node,
    "ai-sdk": client.ai_sdk,
    "litellm": client.litellm,
}
# Those which answer as OpenAI does.
OPENAI_LIKE = ("openai-python", "openai-node", "litellm")


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("packages", base=served) as (serving,):
        yield serving


@pytest.fixture(scope="module")
def url(box: Box) -> Iterator[str]:
    with tunnel(box, 2023) as found:
        yield f"{found}/v1"


@pytest.fixture
def recording(box: Box, tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    path.write_bytes(sample(box))
    return path


@pytest.fixture(scope="module")
def clients() -> Iterator[dict[str, Client]]:
    """Every package in a process of its own."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(client.running(command()))
            for name, command in PACKAGES.items()
        }


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    return clients[request.param]


@pytest.fixture(params=OPENAI_LIKE)
def openai_like(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    return clients[request.param]


def result(answer: Answer) -> Any:
    """What the client returned."""
    assert "result" in answer, answer
    return answer["result"]


def check_times(times: Sequence[tuple[float, float]]) -> None:
    """Times are in order and within the recording."""
    starts = [start for start, _ in times]
    assert starts == sorted(starts)
    assert all(0 <= start <= end <= SECONDS for start, end in times)
    assert times[-1][0] > SECONDS / 2


def check_words(words: Sequence[dict[str, Any]], text: str, start: str, end: str) -> None:
    assert is_spoken(" ".join(word[text] for word in words))
    check_times([(word[start], word[end]) for word in words])


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "gpt-transcribe"])
def test_it_transcribes(package: Client, url: str, recording: Path, model: str):
    answer = package.ask(url, recording, model=model, language="en", prompt="President Kennedy")
    assert is_spoken(result(answer)["text"])


def test_it_gets_the_times_of_words_and_segments(openai_like: Client, url: str, recording: Path):
    answer = result(openai_like.ask(url, recording, **WORDS_AND_SEGMENTS))
    assert (answer["language"], round(answer["duration"])) == ("english", SECONDS)
    check_words(answer["words"], "word", "start", "end")
    check_words(answer["segments"], "text", "start", "end")


def test_the_ai_sdk_gets_the_times_of_words_and_segments(
    clients: dict[str, Client], url: str, recording: Path
):
    ask = clients["ai-sdk"].ask
    answer = result(ask(url, recording, timestampGranularities=["word", "segment"]))
    assert (answer["language"], round(answer["durationInSeconds"])) == ("en", SECONDS)
    assert answer["warnings"] == []
    check_words(answer["words"], "text", "startSecond", "endSecond")
    check_words(answer["segments"], "text", "startSecond", "endSecond")


@pytest.mark.parametrize("subtitles", ["srt", "vtt"])
def test_it_gets_subtitles(openai_like: Client, url: str, recording: Path, subtitles: str):
    answer = result(openai_like.ask(url, recording, response_format=subtitles))
    text = answer if isinstance(answer, str) else answer["text"]  # LiteLLM wraps it
    assert " --> 00:00:" in text
    assert is_spoken(text)


def test_it_gets_a_stream(openai_like: Client, url: str, recording: Path):
    *deltas, done = result(
        openai_like.ask(url, recording, model="gpt-4o-mini-transcribe", stream=True)
    )
    assert {event["type"] for event in deltas} == {"transcript.text.delta"}
    assert done["type"] == "transcript.text.done"
    assert "".join(event["delta"] for event in deltas) == done["text"]
    assert is_spoken(done["text"])


def test_litellm_s_coroutine(clients: dict[str, Client], url: str, recording: Path):
    answer = clients["litellm"].ask(url, recording, asynchronous=True, response_format="json")
    assert is_spoken(result(answer)["text"])


def test_a_refusal_is_its_own_exception(package: Client, url: str, recording: Path):
    error = package.ask(url, recording, language="xx")["error"]
    assert (error["type"], error["status"]) in [("BadRequestError", 400), ("APICallError", 400)]
    assert "'xx', which Whisper does not know" in error["message"]


def test_voicemode_s_listen(url: str, recording: Path):
    lines = voicemode.listen(voicemode.installed(), url.removesuffix("/v1"), recording)
    kinds = [line["event"] if line["kind"] == "event" else line["kind"] for line in lines]
    assert set(kinds) == {"listen-started", "partial", "turn", "listen-stopped"}
    (turn,) = (line for line in lines if line["kind"] == "turn")
    assert turn["text_from"] == "redecode"
    assert is_spoken(turn["text"])


@pytest.fixture(scope="module")
def bridge(box: Box) -> str:
    """wyoming-openai on the box, installed as a user would; its Python."""
    lock = (ROOT / "requirements" / "wyoming.lock").read_text()
    box.run("cat > wyoming.lock", input=lock)
    box.run("python -m venv wyoming && wyoming/bin/pip install --require-hashes -r wyoming.lock")
    box.run("cat > client.py", input=(ROOT / "tests/clients/wyoming_client.py").read_text())
    return "wyoming/bin/python"


def through_wyoming(box: Box, python: str, model: str, key: str = "none") -> list[Any]:
    """The events with which a Wyoming server before the proxy answers the recording."""
    options = f"--uri tcp://127.0.0.1:10300 --languages en --stt-openai-key {key}"
    options += " --stt-openai-url http://127.0.0.1:2023/v1"
    options += " --stt-models whisper-1 gpt-transcribe --stt-streaming-models gpt-4o-transcribe"
    options += " --stt-realtime-models gpt-live-transcribe"
    box.run(f"systemd-run --user --unit wyoming $PWD/{python} -m wyoming_openai {options}")
    try:
        box.run("until ss -Hltn 'sport = :10300' | grep -q .; do sleep 0.1; done", timeout=120)
        recording = f"{SERVICES}/whisper.cpp/samples/jfk.wav"
        answer = box.run(f"{python} client.py 10300 {recording} {model}").stdout
    finally:
        box.run("systemctl --user stop wyoming")
    events: list[Any] = json.loads(answer)
    return events


@pytest.mark.parametrize(
    "model", ["whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-live-transcribe"]
)
def test_home_assistant_s_bridge(box: Box, bridge: str, model: str):
    *before, (last, transcript) = through_wyoming(box, bridge, model)
    assert last == "transcript"
    assert is_spoken(transcript["text"])
    chunks = [data["text"] for kind, data in before if kind == "transcript-chunk"]
    assert "".join(chunks) in ("", transcript["text"])
    assert bool(chunks) == (model in ("gpt-4o-transcribe", "gpt-live-transcribe"))


@pytest.fixture(scope="module")
def locked(box: Box, url: str) -> str:
    """The same proxy, which from here on asks for a key."""
    key_file = "/home/ada/proxy.key"
    box.run(f"umask 077; echo {KEY} > {key_file}")
    deployed(box, proxy_api_key_file=key_file)
    return url


def test_a_key_opens(package: Client, locked: str, recording: Path):
    assert is_spoken(result(package.ask(locked, recording, key=KEY))["text"])


def test_a_wrong_key_is_its_own_exception(package: Client, locked: str, recording: Path):
    error = package.ask(locked, recording, key="wrong")["error"]
    assert (error["type"], error["status"]) in [("AuthenticationError", 401), ("APICallError", 401)]


def test_voicemode_with_a_key(locked: str, recording: Path):
    python, url = voicemode.installed(), locked.removesuffix("/v1")
    result = voicemode.transcribe(python, url, recording, KEY)
    assert is_spoken(result["transcription"]["text"])


@pytest.mark.parametrize(("key", "last"), [(KEY, "transcript"), ("wrong", "error")])
def test_home_assistant_s_bridge_with_a_key(
    box: Box, bridge: str, locked: str, key: str, last: str
):
    assert through_wyoming(box, bridge, "whisper-1", key)[-1][0] == last
