"""Builds of whisper.cpp, as they lie on the host."""

import json
from collections.abc import Iterable
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand

from core.gate import Trial, parse_trials


class Manifest(FactBase[dict[str, Any] | None]):
    """The manifest.json of the build directory at `path`, None where no whole build is."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("cat", QuoteString(f"{path}/manifest.json"), "2>/dev/null || true")

    def process(self, output: Iterable[str]) -> dict[str, Any] | None:
        try:
            manifest = json.loads("\n".join(output))
        except ValueError:
            return None
        return manifest if isinstance(manifest, dict) else None


class Trials(FactBase[list[Trial]]):
    """What try.sh wrote into the file at `path`."""

    default = list

    def command(self, path: str) -> StringCommand:
        return StringCommand("cat", QuoteString(path), "2>/dev/null || true")

    def process(self, output: Iterable[str]) -> list[Trial]:
        return parse_trials(output)
