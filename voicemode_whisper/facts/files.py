"""Files of the user and of the deploy: which are there, and what they hold."""

from collections.abc import Iterable, Sequence

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core import key_file
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Exists(Fact[bool]):
    """Whether there is anything at `path`."""

    @staticmethod
    def default() -> bool:
        return False

    def command(self, path: str) -> StringCommand:
        return StringCommand("test -e", QuoteString(path), "&& echo yes || true")

    def process(self, output: Iterable[str]) -> bool:
        if list(output) != ["yes"]:
            raise ValueError("neither yes nor nothing")
        return True


class KeyFile(Fact[key_file.KeyFile | None]):
    """What is to be known of the API key's file at `path`, None where it is not there."""

    def command(self, path: str) -> StringCommand:
        return script("key-file", path)

    def process(self, output: Iterable[str]) -> key_file.KeyFile:
        (mode, owner), *rest = (line.split() for line in output)
        return key_file.KeyFile(int(mode, 8), owner, has_key=rest == [["key"]])


class Downloads(Fact[list[str]]):
    """Stamps (see stamp.sh) and unfinished downloads in a directory, with their paths."""

    default = list

    def command(self, directory: str) -> StringCommand:
        return script("downloads", directory)

    def process(self, output: Iterable[str]) -> list[str]:
        paths = list(output)
        for path in paths:
            if not (path.startswith("/") and path.endswith((".sha256", ".part"))):
                raise ValueError(f"neither a stamp nor a part: {path!r}")
        return paths


class Without(Fact[list[str]]):
    """Those of the files at `paths` that are there and do not contain `text`."""

    default = list

    def command(self, paths: Sequence[str], text: str) -> StringCommand:
        files = map(QuoteString, paths)
        return StringCommand("grep -sLF -e", QuoteString(text), "--", *files, "|| true")

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class Sha256Sums(Fact[dict[str, str]]):
    """The SHA-256 of each of the files at `paths` that is there."""

    default = dict

    def command(self, paths: Sequence[str]) -> StringCommand:
        return StringCommand("sha256sum --", *map(QuoteString, paths), "2>/dev/null || true")

    def process(self, output: Iterable[str]) -> dict[str, str]:
        return {path: sha256 for sha256, path in (line.split("  ", 1) for line in output)}
