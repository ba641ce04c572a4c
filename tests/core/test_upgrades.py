"""Upgrades that a machine makes by itself: what it is told, and what came of them."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.upgrades import upgrades
from voicemode_whisper.core.layout import UPGRADE_TIMER, UPGRADE_UNIT
from voicemode_whisper.core.upgrades import (
    UpgradeState,
    calendar_problem,
    inventory,
    missing_packages,
    parse_upgrade_state,
)

DATA = {"whisper_repo": "https://a'b\"@host/x", "whisper_known_defects": {"v1": "is bad"}, "p": 1}
RUNS = {"active": "active", "enabled": "enabled", "next": "Sun 2026-12-06 04:11:09 UTC"}


def test_the_machine_is_the_only_one_in_its_inventory(tmp_path: Path):
    (tmp_path / "inventory.py").write_text(inventory(DATA))
    assert runpy.run_path(str(tmp_path / "inventory.py"))["servers"] == [("@local", DATA)]


def test_a_time_that_systemd_does_not_take_is_told_in_a_line():
    assert calendar_problem("daily", "") == ""
    line = calendar_problem("someday", "Failed to parse: Invalid argument")
    assert line.startswith("upgrade_timer: got 'someday'; systemd says: Failed to parse: ")
    assert "allowed is never, or" in line


def test_missing_packages_are_told_with_what_installs_them():
    line = missing_packages(["cmake", "ninja"])
    assert line.startswith("packages: cmake ninja is missing")
    assert line.endswith("sudo pacman -Syu --needed cmake ninja")


def test_what_the_host_says_is_read():
    said = ["active=active", "enabled=enabled", "next=Sun", "when=2026-12-01 04:11", "said=a=b"]
    found = parse_upgrade_state([*said, "result=exit-code"])
    assert found == UpgradeState("active", "enabled", "Sun", "2026-12-01 04:11", "exit-code", "a=b")


@pytest.mark.parametrize(
    ("changes", "found", "fix"),
    [
        ({}, "the next on Sun 2026-12-06 04:11:09 UTC", ""),
        (
            {"when": "2026-11-29 04:20", "result": "success"},
            "the next on Sun 2026-12-06 04:11:09 UTC; that of 2026-11-29 04:20 went well",
            "",
        ),
        (
            {"when": "2026-11-29 04:20", "result": "success", "said": "v9 was rejected"},
            "the next on Sun 2026-12-06 04:11:09 UTC; that of 2026-11-29 04:20 went well, but: "
            "v9 was rejected",
            "",
        ),
        (
            {"when": "2026-11-29 04:20", "result": "exit-code", "said": "no network"},
            "the one of 2026-11-29 04:20 failed: no network",
            f"journalctl --user -u {UPGRADE_UNIT} -n 50",
        ),
        ({"active": "inactive", "enabled": ""}, f"{UPGRADE_TIMER} is not there", DEPLOY_AGAIN),
        ({"active": "inactive"}, f"{UPGRADE_TIMER} is inactive, enabled", DEPLOY_AGAIN),
    ],
)
def test_the_doctor_s_row(changes: dict[str, Any], found: str, fix: str):
    row = upgrades(UpgradeState(**{**RUNS, **changes}))
    assert (row.name, row.found, row.fix) == ("upgrades", found, fix)
