"""Git repositories, here and elsewhere."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Advertisement(Fact[list[str]]):
    """What a git server says it has, raw, or curl's error.

    Works before git is installed: curl is part of every Arch, as pacman needs it. See
    `core.release.parse_refs`.
    """

    default = list
    allows_undecodable = True

    def command(self, repo: str) -> StringCommand:
        url = f"{repo}/info/refs?service=git-upload-pack"
        return StringCommand(
            script("with-proxies", repo),
            "curl -q -fsSL --retry 2 --connect-timeout 15 --max-time 60",
            QuoteString(url),
            "2>&1 | tr '\\0' ' '",
        )

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class Head(Fact[str | None]):
    """The commit that is checked out at `path`, None where there is no checkout."""

    def command(self, path: str) -> StringCommand:
        return StringCommand(
            "git -C",
            QuoteString(path),
            "rev-parse --verify --quiet 'HEAD^{commit}' 2>/dev/null || true",
        )

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
