"""Virtual environments, and what they depend on."""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.core import venv
from voicemode_whisper.core.venv import SYSTEM_PYTHON, parse_venv
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Venv(Fact[venv.Venv | None]):
    """The virtual environment at `path`, None where there is none."""

    def command(self, path: str) -> StringCommand:
        return script("venv-state", path, SYSTEM_PYTHON)

    def process(self, output: Iterable[str]) -> venv.Venv:
        return parse_venv(output)
