"""Shell that is too long for a command line: run on hosts, checked by shellcheck."""

from functools import cache
from pathlib import Path

from pyinfra.api import QuoteString, StringCommand


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sh").read_text()


def words(name: str, *arguments: str) -> list[str]:
    """The words of the command that runs NAME.sh with these arguments on a host."""
    return ["sh", "-c", _text(name), name, *arguments]


def script(name: str, *arguments: str) -> StringCommand:
    """The command that runs NAME.sh with these arguments on a host."""
    return StringCommand(*map(QuoteString, words(name, *arguments)))
