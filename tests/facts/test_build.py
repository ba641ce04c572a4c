"""Manifests of other times."""

import json

import pytest

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.facts.build import Manifest


def test_an_old_manifest_is_named_with_what_it_lacks_and_what_to_do():
    old = json.dumps({"fingerprint": "0123456789ab", "backend": "cpu"})
    with pytest.raises(UserError) as error:
        Manifest().process([old])
    assert str(error.value) == (
        f"build.Manifest: got {old!r}, which lacks release and cmake_arguments and built; remove "
        "the build that has this manifest.json, and deploy.py makes it again"
    )


def test_what_is_no_manifest_is_none():
    assert Manifest().process(["{"]) is None
    assert Manifest().process(["[]"]) is None
