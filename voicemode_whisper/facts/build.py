"""Builds of whisper.cpp, as they lie on the host."""

import json
from collections.abc import Iterable
from typing import Any

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.acceptance import SmokeTest, parse_smoke_tests
from voicemode_whisper.core.build import missing_keys
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.facts.base import Fact


class Manifest(Fact[dict[str, Any] | None]):
    """The manifest.json of the build directory at `path`, None where no whole build is.

    One whose whisper-server is gone is none, or it would never be made again.

    UserError for one that lacks what is read of manifests, as one of an older deploy may.
    """

    def command(self, path: str) -> StringCommand:
        server, manifest = f"{path}/bin/whisper-server", f"{path}/manifest.json"
        return StringCommand(
            "test -x", QuoteString(server), "&& cat", QuoteString(manifest), "2>/dev/null || true"
        )

    def process(self, output: Iterable[str]) -> dict[str, Any] | None:
        text = "\n".join(output)
        try:
            manifest = json.loads(text)
        except ValueError:
            return None
        if not isinstance(manifest, dict):
            return None
        missing = missing_keys(manifest)
        if missing:
            raise UserError(
                f"build.Manifest: got {text[:100]!r}, which lacks {' and '.join(missing)}; remove "
                "the build that has this manifest.json, and deploy.py makes it again"
            )
        return manifest


class SmokeTests(Fact[list[SmokeTest]]):
    """What smoke-test.sh wrote into the file at `path`."""

    allows_undecodable = True
    default = list

    def command(self, path: str) -> StringCommand:
        return StringCommand("cat", QuoteString(path), "2>/dev/null || true")

    def process(self, output: Iterable[str]) -> list[SmokeTest]:
        return parse_smoke_tests(output)
