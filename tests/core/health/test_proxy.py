"""The proxy's own: its Python, its code, what it decodes with, and room for uploads."""

from dataclasses import replace

import pytest

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.proxy import decoding, proxy_code, python, uploads
from voicemode_whisper.core.health.report import CheckResult, caused_by
from voicemode_whisper.core.layout import PROXY_UNIT
from voicemode_whisper.core.proxy_report import ProxyReport
from voicemode_whisper.core.services import UnitState
from voicemode_whisper.core.venv import Venv

VENV = Venv(True, "/usr/bin/python3.13", "3.13", packages=("3.13",), system="/usr/bin/python3.13")
OUTDATED = replace(
    VENV, interpreter="/usr/bin/python3.14", version="3.14", system="/usr/bin/python3.14"
)
PACKAGES_FOR = "its packages are for Python 3.13, /usr/bin/python3.14 is 3.14"
RUNS = UnitState("active", "enabled", program="/usr/bin/python3.13")
WELL = ProxyReport(ffmpeg="/usr/bin/ffmpeg", formats=("MP3", "Opus", "AAC"))
CODE_AT, VENV_AT = "/h/s/whisper-proxy-1", "/h/s/whisper-proxy-venv-2"
AGAIN = f"{DEPLOY_AGAIN} && systemctl --user restart {PROXY_UNIT}"
LOOK = "df -h /var/tmp; df -i /var/tmp; ls -ld /var/tmp"


@pytest.mark.parametrize(
    ("venv", "proxy", "found"),
    [
        (VENV, RUNS, "3.13 (/usr/bin/python3.13)"),
        (
            VENV,
            replace(RUNS, program="/usr/bin/python3.13 (deleted)"),
            "3.13 (/usr/bin/python3.13); the proxy runs the one from before an upgrade until it is "
            "restarted",
        ),
    ],
)
def test_a_python_that_serves_is_named(venv: Venv, proxy: UnitState, found: str):
    assert python(venv, proxy) == CheckResult("Python", found)


@pytest.mark.parametrize(
    ("venv", "active", "found"),
    [
        (OUTDATED, "active", f"{PACKAGES_FOR}: the proxy runs on until it is restarted"),
        (OUTDATED, "activating", f"{PACKAGES_FOR}: the proxy does not start"),
        (
            replace(VENV, system="/usr/bin/python3.14"),
            "active",
            "the proxy's virtual environment goes with it: it depends on /usr/bin/python3.13, "
            "which is not the system's Python",
        ),
        (None, "inactive", "the proxy's virtual environment is not there"),
    ],
)
def test_a_python_that_went_is_told_before_the_proxy_is_restarted(
    venv: Venv | None, active: str, found: str
):
    proxy = replace(RUNS, active=active)
    assert python(venv, proxy) == CheckResult("Python", found, DEPLOY_AGAIN)


def test_what_fails_for_it_says_so():
    cause = python(OUTDATED, RUNS)
    fine = CheckResult("proxy unit", "it runs")
    dead = CheckResult("proxy unit", "it is activating", "restart it")
    assert caused_by(cause, fine) == fine
    assert caused_by(CheckResult("Python", "3.13"), dead) == dead
    told = caused_by(cause, dead)
    assert (told.fix, told.cause) == (DEPLOY_AGAIN, "see Python")


def test_a_python_that_is_gone_is_told():
    report = ProxyReport(error="env: '/h/venv/bin/python': No such file or directory")
    row = proxy_code(report, [], CODE_AT, VENV_AT)
    assert row.found.startswith("the proxy that runs cannot be started again: env: '/h/venv/bin")
    assert row.fix == f"rm -r {VENV_AT} && {DEPLOY_AGAIN}"


def test_the_code_of_the_proxy():
    changed = ProxyReport(packages=("aiohttp 3.9.0 instead of 3.14.5",))
    assert proxy_code(WELL, [], CODE_AT, VENV_AT).fix == ""
    assert proxy_code(changed, [], CODE_AT, VENV_AT) == CheckResult(
        "proxy code",
        "its packages were changed: aiohttp 3.9.0 instead of 3.14.5",
        f"rm -r {VENV_AT} && {AGAIN}",
    )
    assert proxy_code(WELL, ["whisper_proxy/app.py"], CODE_AT, VENV_AT) == CheckResult(
        "proxy code",
        "changed since it was installed: whisper_proxy/app.py",
        f"rm -r {CODE_AT} && {AGAIN}",
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
    assert decoding(replace(WELL, faults={"decoder": problem})) == CheckResult(
        "decoding", found, fix
    )


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
