"""What a web server on the host says."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.facts.base import Fact


@dataclass(frozen=True)
class Answer:
    """An answer's HTTP status and body; status 0 where nobody answered within five seconds."""

    status: int = 0
    body: str = ""

    to_json = asdict  # for `pyinfra … fact`


class HttpGet(Fact[Answer]):
    """The answer to a GET of `url`, which is asked for on the host."""

    stirs = True
    default = Answer
    allows_undecodable = True

    def command(self, url: str) -> StringCommand:
        return StringCommand(
            "curl -q --noproxy '*' -s --max-time 5 -w '\\n%{http_code}'",
            QuoteString(url),
            "|| true",
        )

    def process(self, output: Iterable[str]) -> Answer:
        *body, status = output
        return Answer(int(status), " ".join(body).strip())
