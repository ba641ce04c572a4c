"""Files that set variables."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.facts.base import Fact

# Besides VoiceMode's own file, where the original guide had people set its variable.
PROFILES = (".bashrc", ".bash_profile", ".profile", ".zshrc", ".zprofile")


class Values(Fact[list[tuple[str, str]]]):
    """Which of `path` and the user's shell profiles set the variable `key`, and to what."""

    default = list
    allows_undecodable = True

    def command(self, path: str, key: str) -> StringCommand:
        profiles = (f'"$HOME/{name}"' for name in PROFILES)
        return StringCommand(
            "grep -sHE", QuoteString(f"^[[:space:]]*(export[[:space:]]+)?{key}="),
            QuoteString(path), *profiles, "|| true",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> list[tuple[str, str]]:
        lines = (line.partition(":") for line in output)
        return [(path, text.partition("=")[2].strip(" '\"")) for path, _, text in lines]
