"""Files that are known by their contents, and links that name the live version of something."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand


class LinkTarget(FactBase[str | None]):
    """What the symbolic link at `path` says, None where there is no link."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("readlink", QuoteString(path), "|| true")

    def process(self, output: Iterable[str]) -> str:
        return next(iter(output))


class RealPath(FactBase[str | None]):
    """Where `path` leads in the end (realpath), None where nothing is there."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("realpath -e", QuoteString(path), "2>/dev/null || true")

    def process(self, output: Iterable[str]) -> str:
        return next(iter(output))


class Exists(FactBase[bool]):
    """Whether there is anything at `path`."""

    @staticmethod
    def default() -> bool:
        return False

    def command(self, path: str) -> StringCommand:
        return StringCommand("test -e", QuoteString(path), "&& echo yes || true")

    def process(self, output: Iterable[str]) -> bool:
        return True


@dataclass(frozen=True)
class Checksum:
    """The SHA-256 of a file; `stamped` when it was read from the stamp beside the file."""

    sha256: str
    stamped: bool

    to_json = asdict  # for `pyinfra … fact`


class KnownChecksum(FactBase[Checksum | None]):
    """The SHA-256 of the file at `path`, None where there is none.

    A sum that was taken of this very file (same size, mtime and inode) is read from its stamp,
    PATH.sha256, rather than taken again: a model has hundreds of megabytes.
    """

    def command(self, path: str) -> StringCommand:
        return StringCommand(
            StringCommand("f=", QuoteString(path), ";", _separator=""),
            'if [ -f "$f" ]; then seen="$(stat -c "%s %Y %i" "$f")";',
            'if [ "$(cut -d" " -f2- "$f.sha256" 2>/dev/null)" = "$seen" ];',
            'then echo "$(cut -d" " -f1 "$f.sha256") stamped"; else sha256sum < "$f"; fi; fi',
        )

    def process(self, output: Iterable[str]) -> Checksum:
        sha256, origin = next(iter(output)).split()
        return Checksum(sha256, origin == "stamped")


class Downloads(FactBase[list[str]]):
    """Stamps (see `KnownChecksum`) and unfinished downloads in a directory, with their paths."""

    default = list

    def command(self, directory: str) -> StringCommand:
        return StringCommand(
            "cd", QuoteString(directory), "2>/dev/null && grep -lsE '^[0-9a-f]{64} [0-9 ]+$'",
            '"$PWD"/*.sha256; ls -1d "$PWD"/.*.part 2>/dev/null; true',
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class Without(FactBase[list[str]]):
    """Those of the files at `paths` that are there and do not contain `text`."""

    default = list

    def command(self, paths: Sequence[str], text: str) -> StringCommand:
        files = map(QuoteString, paths)
        return StringCommand("grep -sLF -e", QuoteString(text), "--", *files, "|| true")

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class Sums(FactBase[dict[str, str]]):
    """The SHA-256 of each of the files at `paths` that is there."""

    default = dict

    def command(self, paths: Sequence[str]) -> StringCommand:
        return StringCommand("sha256sum --", *map(QuoteString, paths), "2>/dev/null || true")

    def process(self, output: Iterable[str]) -> dict[str, str]:
        return {path: sha256 for sha256, path in (line.split("  ", 1) for line in output)}
