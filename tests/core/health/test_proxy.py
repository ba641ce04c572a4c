"""What the proxy runs on."""

from dataclasses import replace

import pytest

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.proxy import python
from voicemode_whisper.core.health.report import CheckResult, caused_by
from voicemode_whisper.core.services import UnitState
from voicemode_whisper.core.venv import Venv

VENV = Venv(True, "/usr/bin/python3.13", "3.13", packages=("3.13",), system="/usr/bin/python3.13")
OUTDATED = replace(
    VENV, interpreter="/usr/bin/python3.14", version="3.14", system="/usr/bin/python3.14"
)
PACKAGES_FOR = "its packages are for Python 3.13, /usr/bin/python3.14 is 3.14"
RUNS = UnitState("active", "enabled", program="/usr/bin/python3.13")


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
