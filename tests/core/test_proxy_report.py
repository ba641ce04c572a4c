"""What the doctor says of what the proxy finds of itself."""

import json

import pytest

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import PROXY_UNIT
from voicemode_whisper.core.proxy_report import (
    ProxyReport,
    decoding,
    not_decoded,
    parse_proxy_report,
    proxy_code,
    uploads,
)

SAID = {
    "faults": [],
    "ffmpeg": "/usr/bin/ffmpeg",
    "formats": ["MP3", "Opus", "AAC"],
    "spool": "/var/tmp",
    "budget": 7_059_767_296,
    "largest": 997_670_912,
    "packages": [],
}
LINES = [f"report {json.dumps(SAID)}", "disk 20000000000 ext4 /my var"]
WELL = parse_proxy_report(LINES) or ProxyReport()
CODE, VENV = "/h/s/whisper-proxy-1", "/h/s/whisper-proxy-venv-2"
AGAIN = f"{DEPLOY_AGAIN} && systemctl --user restart {PROXY_UNIT}"
LOOK = "df -h /var/tmp; df -i /var/tmp; ls -ld /var/tmp"


def broken(**faults: str) -> ProxyReport:
    found = [{"part": part, "what": what} for part, what in faults.items()]
    return parse_proxy_report([f"report {json.dumps({**SAID, 'faults': found})}"]) or WELL


def test_what_the_script_prints_is_read():
    assert (WELL.free, WELL.type, WELL.mount) == (20_000_000_000, "ext4", "/my var")
    assert broken(decoder="x").free is None


@pytest.mark.parametrize(
    "lines",
    [[], ["error /v/bin/python: No module named whisper_proxy.self_check"]],
)
def test_a_proxy_that_does_not_run_or_is_older_says_nothing(lines: list[str]):
    assert parse_proxy_report(lines) is None


def test_a_python_that_is_gone_is_told():
    report = parse_proxy_report(["error env: '/h/venv/bin/python': No such file or directory"])
    assert report
    row = proxy_code(report, [], CODE, VENV)
    assert row.found.startswith("the proxy that runs cannot be started again: env: '/h/venv/bin")
    assert row.fix == f"rm -r {VENV} && {DEPLOY_AGAIN}"


def test_the_code_of_the_proxy():
    changed = ProxyReport(packages=("aiohttp 3.9.0 instead of 3.14.5",))
    assert proxy_code(WELL, [], CODE, VENV).fix == ""
    assert proxy_code(changed, [], CODE, VENV) == CheckResult(
        "proxy code",
        "its packages were changed: aiohttp 3.9.0 instead of 3.14.5",
        f"rm -r {VENV} && {AGAIN}",
    )
    assert proxy_code(WELL, ["whisper_proxy/app.py"], CODE, VENV) == CheckResult(
        "proxy code",
        "changed since it was installed: whisper_proxy/app.py",
        f"rm -r {CODE} && {AGAIN}",
    )


@pytest.mark.parametrize(
    ("problem", "found", "fix"),
    [
        ("", "/usr/bin/ffmpeg decodes MP3, Opus, AAC", ""),
        ("ffmpeg is not installed", "ffmpeg is not installed", "sudo pacman -Syu ffmpeg"),
        (
            "/usr/bin/ffmpeg cannot be run: libx264.so.165",
            "/usr/bin/ffmpeg cannot be run: libx264.so.165",
            "sudo pacman -Syu ffmpeg",
        ),
        (
            "/snap/bin/ffprobe does not decode AAC: permission denied",
            "/snap/bin/ffprobe does not decode AAC: permission denied",
            "mv /snap/bin/ffprobe /snap/bin/ffprobe.off  # it comes before pacman's on the PATH",
        ),
    ],
)
def test_decoding(problem: str, found: str, fix: str):
    assert decoding(broken(decoder=problem)) == CheckResult("decoding", found, fix)


def test_an_mp3_that_the_proxy_does_not_transcribe():
    url = "http://127.0.0.1:2023"
    (row,) = not_decoded(url, "ffmpeg is broken on the server", wav_is_spoken=True)
    assert row.found == (
        "http://127.0.0.1:2023 transcribes WAV, but of MP3 it says: ffmpeg is broken on the server"
    )
    assert row.fix == f"journalctl --user -u {PROXY_UNIT} -n 20"
    assert not_decoded(url, "no answer", wav_is_spoken=False) == []
    assert not_decoded(url, "curl: (26) Failed to open/read local data", wav_is_spoken=True) == []


@pytest.mark.parametrize(
    ("free", "problem", "found", "fix"),
    [
        (
            20_000_000_000,
            "",
            "20.0 GB free in /var/tmp (ext4 at /var); all together may take 7.1 GB",
            "",
        ),
        (None, "", "/var/tmp (ext4 at /var); all together may take 7.1 GB", ""),
        (
            600_000_000,
            "",
            "600 MB free in /var/tmp (ext4 at /var), too little for one of the largest size "
            "(998 MB)",
            f"{LOOK}  # free some",
        ),
        (
            0,
            "/var/tmp: No space left on device",
            "none above half a megabyte can be kept: /var/tmp: No space left on device; "
            "0 MB free in /var/tmp (ext4 at /var)",
            LOOK,
        ),
    ],
)
def test_room_for_uploads(free: int | None, problem: str, found: str, fix: str):
    report = ProxyReport(
        faults={"spool": problem} if problem else {},
        spool="/var/tmp",
        mount="/var",
        type="ext4",
        free=free,
        budget=7_059_767_296,
        largest=997_670_912,
    )
    assert uploads(report) == CheckResult("uploads", found, fix)
