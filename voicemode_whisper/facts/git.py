"""Git repositories, here and elsewhere."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Advertisement(Fact[list[str]]):
    """What a git server says it has, raw, or why it does not, in a line.

    Works before git is installed: curl is part of every Arch, as pacman needs it. See
    `core.release.parse_refs`. Credentials for it come as `Login.for_curl`.
    """

    default = list
    allows_undecodable = True

    def command(self, repo: str) -> StringCommand:
        ask = script("advertisement", f"{repo}/info/refs?service=git-upload-pack")
        return StringCommand(script("with-proxies", repo), ask)

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class Head(Fact[str | None]):
    """The commit that is checked out at `path`, None where there is no checkout.

    And where an earlier deploy left credentials in its configuration, which are to be taken out.
    """

    def command(self, path: str) -> StringCommand:
        return script("head", path)

    def process(self, output: Iterable[str]) -> str:
        (line,) = output
        return line


class CreatedByDeploy(Fact[bool]):
    """Whether the checkout at `path` was made by the deploy (git config deploy.made)."""

    @staticmethod
    def default() -> bool:
        return False

    def command(self, path: str) -> StringCommand:
        return StringCommand(
            "git -C", QuoteString(path), "config --local --get deploy.made 2>/dev/null || true"
        )

    def process(self, output: Iterable[str]) -> bool:
        return list(output) == ["true"]
