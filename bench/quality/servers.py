"""A test box that serves, and its two servers: whisper-server, and the proxy before it."""

import base64
import hashlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from whisper_proxy.vad import DEFAULT
from whisper_proxy.words import Word

from tests import boxes
from tests.boxes import Box, ssh
from tests.machines.deploying import deploy, raise_boxes
from tests.tunnel import tunnel

from ..processes import BenchError

SERVICES = "~/.voicemode/services"
SECONDS = 600.0  # for one answer, on a machine that others keep busy
# What the proxy asks of whisper-server (docs/api.md), spelled out here on its own: that is what is
# to be compared.
FIELDS = {"language": "en", "response_format": "json", "max_len": "-1", "temperature": "0.0"}
WITH_VAD = {
    "vad": "true",
    "vad_threshold": str(DEFAULT.threshold),
    "vad_speech_pad_ms": str(DEFAULT.padding_ms),
    "vad_min_silence_duration_ms": str(DEFAULT.silence_ms),
    "vad_min_speech_duration_ms": str(DEFAULT.speech_ms),
}
WITHOUT_VAD = {"vad": "false"}
# Into what whisper-server reads without help.
DECODE = """
set -e
base64 -d > /tmp/encoded
ffmpeg -nostdin -v error -y {decoder} -i /tmp/encoded -ac 1 -ar 16000 -f s16le /tmp/decoded
base64 /tmp/decoded
"""


@dataclass(frozen=True)
class Heard:
    """A transcript, and the seconds that it took."""

    text: str
    seconds: float


@dataclass(frozen=True)
class Servers:
    """The URLs of both: of whisper-server's inferences, and of the proxy's API."""

    whisper: str
    proxy: str

    def straight(self, wav: bytes, *, vad: bool = True) -> Heard:
        """Have whisper-server transcribe a WAV file."""
        fields = FIELDS | (WITH_VAD if vad else WITHOUT_VAD)
        answer, seconds = _posted(f"{self.whisper}/inference", wav, fields)
        return Heard(answer["text"].replace("\n", "").strip(), seconds)

    def proxied(self, file: bytes) -> Heard:
        """Have the proxy transcribe a file in any format, with its defaults."""
        answer, seconds = _posted(self.proxy, file, {"model": "whisper-1", "language": "en"})
        return Heard(answer["text"], seconds)

    def words(self, file: bytes) -> list[Word]:
        """Have the proxy transcribe a file, and return its words with their times."""
        fields = {
            "model": "whisper-1",
            "language": "en",
            "response_format": "verbose_json",
            "timestamp_granularities[]": "word",
        }
        answer, _ = _posted(self.proxy, file, fields)
        return [Word(**word) for word in answer["words"]]


def _posted(url: str, file: bytes, fields: Mapping[str, str]) -> tuple[Any, float]:
    begun = time.monotonic()
    # The name says nothing: whoever reads the file has to look into it.
    answer = requests.post(url, files={"file": ("speech", file)}, data=fields, timeout=SECONDS)
    seconds = time.monotonic() - begun
    if answer.status_code != 200:
        raise BenchError(f"{url}: {answer.status_code}: {answer.text[:300]}")
    return answer.json(), seconds


@contextmanager
def serving(name: str) -> Iterator[Box]:
    """A test box that was deployed to, with the model that boxes have; it is gone at the end."""
    try:
        with raise_boxes(name) as (box,):
            _deploy(box)
            yield box
    except boxes.BoxError as error:
        raise BenchError(str(error)) from error
    finally:
        boxes.rest()


def serve_model(box: Box, name: str, model: bytes) -> None:
    """Deploy again, with another model."""
    file = f"/home/{ssh.USER}/ggml-{name}.bin"
    command = [*ssh.arguments(box.address, ssh.USER), f"cat > {file}"]
    subprocess.run(command, input=model, check=True)
    _deploy(box, whisper_model=file, model_sha256=hashlib.sha256(model).hexdigest())


def _deploy(box: Box, **settings: Any) -> None:
    run = deploy(box, timeout=1800, **settings)
    if run.status:
        raise BenchError(f"the deploy failed:\n{run.output[-2000:]}")


@contextmanager
def reached(box: Box) -> Iterator[Servers]:
    """The box's servers, as who is on the box reaches them."""
    path = box.run(f"cat {SERVICES}/current/request-path").stdout.strip()
    with ExitStack() as stack:
        whisper, proxy = (stack.enter_context(tunnel(box, port)) for port in (2022, 2023))
        yield Servers(f"{whisper}{path}", f"{proxy}/v1/audio/transcriptions")


def decoded(box: Box, file: bytes, decoder: str = "") -> bytes:
    """Return the PCM (16 kHz, mono, 16 bits) that the box's own ffmpeg finds in a file.

    decoder: an option of ffmpeg's, where it is not to choose one.
    """
    answer = box.run(DECODE.format(decoder=decoder), input=base64.b64encode(file).decode())
    return base64.b64decode(answer.stdout)
