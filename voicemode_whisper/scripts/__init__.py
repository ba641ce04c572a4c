"""Shell that is too long for a command line: run on hosts, checked by shellcheck."""

import re
from functools import cache
from pathlib import Path

from pyinfra.api import QuoteString, StringCommand

# A script is sent as one text, so what it would read from a file beside it is put in its place.
SOURCED = re.compile(r"^ *\. \./([a-z-]+)\.sh$", re.MULTILINE)


@cache
def _text(name: str) -> str:
    text = (Path(__file__).parent / f"{name}.sh").read_text()
    return SOURCED.sub(lambda line: _text(line[1]), text)


def words(name: str, *arguments: str) -> list[str]:
    """The words of the command that runs NAME.sh with these arguments on a host."""
    return ["sh", "-c", _text(name), name, *arguments]


def python_script(python: str, name: str, *arguments: str) -> StringCommand:
    """The command that has a Python of the host's run NAME.py, and nothing of the user's."""
    text = (Path(__file__).parent / f"{name}.py").read_text()
    return StringCommand(*map(QuoteString, (python, "-I", "-c", text, *arguments)))


def script(name: str, *arguments: str) -> StringCommand:
    """The command that runs NAME.sh with these arguments on a host."""
    return StringCommand(*map(QuoteString, words(name, *arguments)))
