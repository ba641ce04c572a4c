"""Files of KEY=VALUE lines, such as voicemode.env."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import StringCommand
from pyinfra.facts.files import FindInFile

from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.scripts import script


@operation()
def variable(path: str, key: str, value: str) -> Generator[StringCommand]:
    """Have one line KEY=VALUE in a file; every other line, mode and owner stay as they are.

    `files.line` would begin a new file with an empty line.

    + path: the file, which need not exist; a link is followed
    + key: name of the variable
    + value: as it is to stand in the file
    """
    if read_fact(host, FindInFile, path=path, pattern=f"^{key}=") == [f"{key}={value}"]:
        host.noop(f"{path} has {key}={value}")
        return
    yield script("set-variable", path, key, value)


@operation()
def absent(path: str, key: str, value: str) -> Generator[StringCommand]:
    """Have no line KEY=VALUE in a file, and no file that holds nothing else; others stay.

    + path: the file, which need not exist; a link is followed
    + key: name of the variable
    + value: as it stands in the file; a variable with another value is somebody else's
    """
    if read_fact(host, FindInFile, path=path, pattern=f"^{key}=") != [f"{key}={value}"]:
        host.noop(f"{path} has no {key}={value}")
        return
    yield script("unset-variable", path, f"{key}={value}")
