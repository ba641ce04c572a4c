"""What is read of what the proxy finds of itself."""

import json
from typing import Any

import pytest

from voicemode_whisper.core.proxy_report import ProxyReport, parse_proxy_report

SAID = {
    "faults": [],
    "ffmpeg": "/usr/bin/ffmpeg",
    "formats": ["MP3", "Opus", "AAC"],
    "spool": "/var/tmp",
    "budget": 7_059_767_296,
    "largest": 997_670_912,
    "packages": [],
}


def read(*more: str, **said: Any) -> ProxyReport | None:
    """What is read of a report that says this too, and of `more` lines after it."""
    return parse_proxy_report([f"report {json.dumps({**SAID, **said})}", *more])


def test_what_the_script_prints_is_read():
    assert read("disk 20000000000 ext4 /my var", packages=["aiohttp 3.9.0"]) == ProxyReport(
        ffmpeg="/usr/bin/ffmpeg",
        formats=("MP3", "Opus", "AAC"),
        spool="/var/tmp",
        mount="/my var",
        type="ext4",
        free=20_000_000_000,
        budget=7_059_767_296,
        largest=997_670_912,
        packages=("aiohttp 3.9.0",),
    )


def test_what_is_broken_is_read_by_its_part():
    report = read(faults=[{"part": "decoder", "what": "x"}, {"part": "spool", "what": "y"}])
    assert report
    assert report.faults == {"decoder": "x", "spool": "y"}
    assert report.free is None


@pytest.mark.parametrize(
    "lines",
    [[], ["error /v/bin/python: No module named whisper_proxy.self_check"]],
)
def test_a_proxy_that_does_not_run_or_is_older_says_nothing(lines: list[str]):
    assert parse_proxy_report(lines) is None


def test_why_nothing_is_known_is_read():
    error = "env: '/h/venv/bin/python': No such file or directory"
    assert parse_proxy_report([f"error {error}"]) == ProxyReport(error=error)
