"""What the services make of real speech."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.facts.base import Fact


@dataclass(frozen=True)
class Transcription:
    """What a server answered, and the seconds that it took."""

    text: str = ""
    seconds: float = 0.0

    to_json = asdict  # for `pyinfra … fact`


class Transcript(Fact[Transcription]):
    """What the OpenAI-compatible server at `url` hears in the recording at `sample`.

    An error is returned as it came, the server's or curl's: it is no transcript either.
    """

    default = Transcription
    allows_undecodable = True

    def command(self, url: str, sample: str, api_key_file: str) -> StringCommand:
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
        *text, seconds = output
        return Transcription(" ".join(text).strip(), float(seconds))
