"""Models on the host."""

from collections.abc import Iterable, Sequence

from pyinfra.api import StringCommand

from voicemode_whisper.core.models import ModelFile, parse_model_files
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class ModelFiles(Fact[dict[str, ModelFile]]):
    """Those of the files `names` in a directory that are there, by name."""

    default = dict

    def command(self, directory: str, names: Sequence[str]) -> StringCommand:
        return script("model-files", directory, *names)

    def process(self, output: Iterable[str]) -> dict[str, ModelFile]:
        return parse_model_files(output)
