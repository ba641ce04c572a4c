"""OpenAI's own clients in live sessions, as they are, before a real whisper-server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.boxes import Box
from tests.clients import client
from tests.clients.client import Client
from tests.machines.deploying import SERVICES, raise_boxes
from tests.machines.live import WORDS, sentence
from tests.proxy.certificates import authority, issued
from tests.proxy.live import COMPLETED, DELTA
from tests.proxy.processes import proxy
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken

pytestmark = pytest.mark.clients

KEY = "correct-horse"
TRANSCRIPTION = {"model": "gpt-4o-transcribe", "language": "en"}
TURNS = {"transcription": TRANSCRIPTION}
COMMITTED = {"transcription": TRANSCRIPTION, "turn_detection": None}


@pytest.fixture(scope="module")
def url(served: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A proxy with TLS, which Node's client wants, and a key, before a box's whisper-server."""
    folder = tmp_path_factory.mktemp("proxy")
    client.openai_node_live()  # installed before anything else counts as a CA
    ca = authority(folder)
    pair = issued(folder, ca, "server")
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    with raise_boxes("live-clients", base=served) as (box,), tunnel(box, 2022) as upstream:
        (folder / "path").write_text(_request_path(box))
        files = {
            "--tls-certificate": pair.certificate,
            "--tls-key": pair.key,
            "--api-key-file": folder / "key",
            "--upstream-path-file": folder / "path",
        }
        flags = [word for flag, file in files.items() for word in (flag, str(file))]
        with (
            proxy(upstream, folder, [*flags, "--model", "tiny.en", "--vad", "1"]) as running,
            pytest.MonkeyPatch.context() as patch,
        ):
            for name in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"):
                patch.setenv(name, str(ca.certificate))
            yield f"https://localhost:{running.port}/v1"
            assert running.unexpected_lines() == []


def _request_path(box: Box) -> str:
    return box.run(f"cat {SERVICES}/current/request-path").stdout


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "speech.pcm"
    path.write_bytes(sentence(1.0))
    return path


def asked(asked_client: Client, url: str, recording: Path, **options: Any) -> list[Any]:
    answer = asked_client.ask(url, recording, KEY, **options)
    assert "result" in answer, answer
    return list(answer["result"])


CLIENTS: dict[str, tuple[Callable[[], list[Path]], dict[str, Any]]] = {
    "python": (client.openai_python_live, {}),
    "python-secret": (client.openai_python_live, {"secret": True}),
    "node": (client.openai_node_live, {"kind": "ws"}),
    "page": (client.openai_node_live, {"kind": "page", "secret": True}),
}


@pytest.fixture(params=CLIENTS)
def live(request: pytest.FixtureRequest, url: str) -> Iterator[tuple[Client, dict[str, Any]]]:
    command, options = CLIENTS[request.param]
    with client.running(command()) as running:
        yield running, options


def test_turns_that_the_proxy_finds(
    live: tuple[Client, dict[str, Any]], url: str, recording: Path
) -> None:
    running, options = live
    events = asked(running, url, recording, input=TURNS, turns=4, **options)
    texts = [event["transcript"] for event in events if event["type"] == COMPLETED]
    said = " ".join(texts).lower().replace(",", "")
    assert all(words in said for words in WORDS), texts


def test_a_turn_that_the_client_commits(
    live: tuple[Client, dict[str, Any]], url: str, recording: Path
) -> None:
    running, options = live
    events = asked(running, url, recording, input=COMMITTED, turns=1, **options)
    assert is_spoken(events[-1]["transcript"])
    assert events[-1]["usage"]["type"] == "tokens"
    assert is_spoken("".join(event["delta"] for event in events if event["type"] == DELTA))


def test_a_wrong_key(url: str, recording: Path) -> None:
    for command, options in (CLIENTS["python"], CLIENTS["node"]):
        with client.running(command()) as running:
            answer = running.ask(url, recording, "wrong", input=TURNS, turns=1, **options)
        assert "401" in answer["error"]["message"]
