"""A machine that upgrades itself: from a timer, without the controller and without root."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.boxes import Box
from tests.machines.deploying import (
    OLD,
    ROOT,
    SERVICES,
    deploy,
    deployed,
    health,
    inventory_of,
    raise_boxes,
    sample,
    transcript,
)
from tests.machines.doctoring import examined
from tests.machines.load import Load
from tests.tunnel import tunnel
from voicemode_whisper.core.layout import UPGRADE_TIMER, UPGRADE_UNIT
from voicemode_whisper.core.speech import is_spoken

CALENDAR = "Sun 04:00"
NOTIFY = "cat > ~/told"
RATE = 2  # requests a second
SYSTEMCTL = "systemctl --user"
INVENTORY = f"{SERVICES}/upgrade/inventory.py"
WANTED = {"whisper_version": OLD, "upgrade_timer": CALENDAR, "notify_command": NOTIFY}


@pytest.fixture(scope="module")
def box(served_old: str) -> Iterator[Box]:
    with raise_boxes("upgrades", base=served_old) as (serving,):
        yield serving


def upgrade(box: Box) -> tuple[str, str]:
    """Have the timer's service run to its end: systemd's word for the result, and what it said."""
    box.run(f"{SYSTEMCTL} start {UPGRADE_UNIT}; true", timeout=600)
    result = box.run(f"{SYSTEMCTL} show -p Result --value {UPGRADE_UNIT}").stdout.strip()
    return result, box.run(f"cat {SERVICES}/upgrade/last.log").stdout


def test_a_time_that_systemd_does_not_know_is_refused(box: Box):
    run = deploy(box, whisper_version=OLD, upgrade_timer="someday")
    assert run.status == 1
    assert "upgrade_timer: got 'someday'; systemd says: " in run.output
    assert run.results is None


def test_the_timer_comes_with_the_setting(box: Box):
    deployed(box, **WANTED)
    assert box.run(f"{SYSTEMCTL} is-active {UPGRADE_TIMER}").stdout == "active\n"
    assert f"OnCalendar={CALENDAR}\n" in box.run(f"{SYSTEMCTL} cat {UPGRADE_TIMER}").stdout
    assert box.run(f"stat -c %a {INVENTORY}").stdout == "600\n"
    assert deployed(box, **WANTED).changes == 0


def check(box: Box, **data: Any) -> tuple[int, str]:
    """What a deploy would change: the exit status, and the table."""
    words = [word for name, value in data.items() for word in ("--data", f"{name}={value}")]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "voicemode_whisper.check"),
            *(str(inventory_of(box)), "deploy.py", *words),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout


def test_what_would_change_is_told_and_the_status_with_it(box: Box):
    assert check(box, **WANTED) == (0, f"host      would change\n{box.name}  nothing\n")
    status, table = check(box, **{**WANTED, "whisper_version": "v1.9.1"})
    assert status == 2
    assert "whisper.cpp | Build whisper.cpp v1.9.1" in table
    assert "Packages" not in table


def test_with_nothing_new_it_changes_nothing(box: Box):
    # From here on nobody becomes root.
    box.run("mv /etc/sudoers.d /etc/sudoers.off", user="root")
    assert box.run("sudo -n true", check=False).returncode != 0
    before = box.run(f"readlink {SERVICES}/current").stdout
    result, said = upgrade(box)
    assert result == "success", said
    assert box.run(f"readlink {SERVICES}/current").stdout == before


def test_a_newer_release_is_built_and_serves_and_no_request_is_lost(box: Box):
    # As a new release would: the tag that `latest` means is another.
    box.run(f"sed -i 's/{OLD}/latest/' {INVENTORY}")
    with tunnel(box, 2023) as url:
        load = Load(url, sample(box), RATE)
        with load.at_work():
            result, said = upgrade(box)
    assert result == "success", said
    assert load.failed == {}
    assert load.speeches > 0
    assert health(box)["whisper_version"] == "v1.9.1"
    assert is_spoken(transcript(box))


def test_what_fails_is_told_and_what_served_goes_on(box: Box):
    box.run(f"sed -i 's/latest/v0.0.1/' {INVENTORY}")
    result, said = upgrade(box)
    assert result == "exit-code", said
    told = box.run("cat ~/told").stdout
    assert "was not upgraded; what served goes on." in told
    assert "v0.0.1" in told
    assert is_spoken(transcript(box))


def test_the_doctor_knows_of_it(box: Box):
    box.run("mv /etc/sudoers.off /etc/sudoers.d", user="root")
    row = examined(box, **WANTED).rows["upgrades"]
    assert row.startswith("FAIL  the one of 20")
    assert f"fix: journalctl --user -u {UPGRADE_UNIT} -n 50" in row


def test_never_again_it_is_gone(box: Box):
    deployed(box)
    assert box.run(f"ls -d {SERVICES}/upgrade; true").stdout == ""
    assert box.run(f"{SYSTEMCTL} is-enabled {UPGRADE_TIMER}; true").stdout in ("not-found\n", "")
