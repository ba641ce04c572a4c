"""What facts make of the machine that the tests run on, or of one that is made up."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyinfra.api import FactBase


def answer(
    fact: type[FactBase[Any]],
    paths: Mapping[str, Path] | None = None,
    programs: Path | None = None,
    input: Sequence[str] = (),
    **arguments: Any,
) -> Any:
    """The value of a fact whose command is run here, for real.

    `paths` says where what it looks for elsewhere lies here; `programs` is a directory of programs
    that are found before those of the machine; `input` are the lines of its standard input.
    """
    command = fact().command(**arguments)
    text = command if isinstance(command, str) else command.get_raw_value()
    for path, own in (paths or {}).items():
        text = text.replace(path, str(own))
    search = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    done = subprocess.run(
        ["sh", "-c", text],
        capture_output=True,
        text=True,
        input="\n".join(input),
        check=True,
        env={**os.environ, "PATH": search},
    )
    lines = done.stdout.splitlines()
    return fact().process(lines) if lines else fact.default()


def program(directory: Path, name: str, script: str) -> None:
    """Have a program of this name, which is a shell script."""
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
