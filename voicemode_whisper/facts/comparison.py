"""What a comparison of models has to know of the host."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.comparison import ServerEnvironment, parse_server_env
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import Fact


class ServerEnv(Fact[ServerEnvironment]):
    """How the whisper-server of the generation that serves is started."""

    def command(self, layout: Layout) -> StringCommand:
        return StringCommand("cat", QuoteString(f"{layout.current}/server.env"))

    def process(self, output: Iterable[str]) -> ServerEnvironment:
        return parse_server_env(output)
