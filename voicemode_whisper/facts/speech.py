"""What the services make of real speech."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.power import Power, parse_power
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import python_script, script

# What gpu-load.sh puts before what it has measured.
LOAD = "### load "
# wyoming-openai takes some seconds on a slow machine; whisper-server is up already.
START_SECONDS = 60


@dataclass(frozen=True)
class Transcription:
    """What a server answered, the seconds that it took, and the most that the GPU did meanwhile."""

    text: str = ""
    seconds: float = 0.0
    load: Power = field(default_factory=Power)

    to_json = asdict  # for `pyinfra … fact`


class Transcript(Fact[Transcription]):
    """What the OpenAI-compatible server at `url` hears in the recording at `sample`.

    An error is returned as it came, the server's or curl's: it is no transcript either. The load of
    the GPU at `device` in sysfs (see `core.power.sysfs_device`) is measured where that is given.
    """

    stirs = True
    default = Transcription
    allows_undecodable = True

    def command(self, url: str, sample: str, api_key_file: str, device: str = "") -> StringCommand:
        ask = self._ask(url, sample, api_key_file)
        if not device:
            return ask
        return StringCommand(script("gpu-load", device), QuoteString(ask))

    @staticmethod
    def _ask(url: str, sample: str, api_key_file: str) -> StringCommand:
        # From standard input, the key stays out of the list of processes.
        key = StringCommand(
            'printf "Authorization: Bearer %s" "$(cat',
            QuoteString(api_key_file),
            ')" | curl -q -H @-',
        )
        return StringCommand(
            key if api_key_file else "curl -q",
            "--noproxy '*' -sS --max-time 300 -F model=whisper-1 -F response_format=text",
            "-w '\\n%{time_total}'",
            "-F", StringCommand("file=@", QuoteString(sample), _separator=""),
            QuoteString(f"{url}/v1/audio/transcriptions"), "2>&1 || true",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> Transcription:
        lines = [line for line in output if line]
        load = lines.pop().removeprefix(LOAD) if lines[-1].startswith(LOAD) else "- -"
        *text, seconds = lines
        return Transcription(" ".join(text).strip(), float(seconds), parse_power(load))


class WyomingTranscript(Fact[str]):
    """What the Wyoming server at `address` and `port` hears in the recording at `sample`.

    It is asked with the client that is in its own virtual environment, at `venv`. An error is
    returned as it came, as by `Transcript`. A server that is starting is waited for, a minute long.
    """

    stirs = True
    default = str
    allows_undecodable = True

    def command(self, venv: str, address: str, port: int, sample: str) -> StringCommand:
        words = (address, str(port), sample, str(START_SECONDS))
        ask = python_script(f"{venv}/bin/python", "wyoming_transcript", *words)
        return StringCommand(ask, "2>&1 || true")

    def process(self, output: Iterable[str]) -> str:
        # A traceback says in its last line what is wrong.
        return next((line for line in reversed(list(output)) if line), "")
