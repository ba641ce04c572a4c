"""Whose the places are that a run writes to, what is free there, and when they are mounted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.boxes import Box
from tests.machines.deploying import Run, deploy, deployed, raise_boxes

HOME = "/home/ada"
SERVICES, UNITS = f"{HOME}/.voicemode/services", f"{HOME}/.config/systemd/user"
DOMAIN_USER, DOMAIN_HOME = r"CORP\ada lovelace", "/home/CORP/ada"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("rights", base=served) as (serving,):
        yield serving


@contextmanager
def state(box: Box, begin: str, end: str) -> Iterator[None]:
    """The box as root has made it, and back again."""
    box.run(begin, user="root")
    try:
        yield
    finally:
        box.run(end, user="root")


def said(box: Box, run: Run) -> list[str]:
    """What a run has said of the box, without its connection and operations."""
    lines = [
        line.split("]", 1)[1].strip() for line in run.output.splitlines() if f"[{box.name}]" in line
    ]
    return [line for line in lines if not line.startswith(("Connected", "Ready", "No changes"))]


def doctor(box: Box) -> Run:
    return deploy(box, file="tasks/doctor.py")


@pytest.mark.parametrize(
    ("begin", "end", "line"),
    [
        (
            f"chown root: {UNITS}",
            f"chown ada: {UNITS}",
            f"rights: {UNITS} belongs to root, and ada may not write to it; "
            f"run: sudo chown -R ada: {UNITS}",
        ),
        (
            f"chown root: {SERVICES}/whisper.cpp/.git/objects",
            f"chown ada: {SERVICES}/whisper.cpp/.git/objects",
            f"rights: {SERVICES}/whisper.cpp/.git/objects belongs to root, and ada may not "
            f"write to it; run: sudo chown -R ada: {SERVICES}/whisper.cpp",
        ),
        (
            f"mount --bind -o ro {HOME}/.voicemode {HOME}/.voicemode",
            f"umount {HOME}/.voicemode",
            f"rights: {HOME}/.voicemode is on {HOME}/.voicemode, which is mounted read-only; "
            f"run: sudo mount -o remount,rw {HOME}/.voicemode",
        ),
        (
            f"mv {HOME}/.voicemode /root/ && ln -s /mnt/disk {HOME}/.voicemode",
            f"rm {HOME}/.voicemode && mv /root/.voicemode {HOME}/",
            f"rights: {HOME}/.voicemode is a link to /mnt/disk, which is not there; "
            "make or mount that",
        ),
        (
            f"mount -t tmpfs -o nr_inodes=9,mode=777 none {HOME}/.voicemode",
            f"umount {HOME}/.voicemode",
            f"disk: {SERVICES} has room for 8 more files (df -i); needed are about 7510 on "
            f"{HOME}/.voicemode",
        ),
    ],
    ids=["units", "checkout", "read-only", "dangling", "inodes"],
)
def test_a_place_that_cannot_be_written_to_is_one_line(box: Box, begin: str, end: str, line: str):
    with state(box, begin, end):
        run = deploy(box)
    assert run.status == 1
    assert said(box, run) == [line]


def test_what_a_run_can_do_without_is_no_matter(box: Box):
    """A ~/.config that somebody else owns, below which all is there, and a ~/.cache."""
    places = f"{HOME}/.config {HOME}/.cache"
    with state(box, f"mkdir -p {HOME}/.cache && chown root: {places}", f"chown ada: {places}"):
        assert deployed(box).changes == 0


def test_services_on_another_disk_behind_a_link(box: Box):
    begin = f"mv {HOME}/.voicemode /srv/voicemode && ln -s /srv/voicemode {HOME}/.voicemode"
    with state(box, begin, f"rm {HOME}/.voicemode && mv /srv/voicemode {HOME}/.voicemode"):
        assert deployed(box).changes == 0


def lingers(box: Box) -> str:
    return box.run("loginctl show-user ada -p Linger --value", user="root").stdout.strip()


def test_a_home_that_is_mounted_at_login(box: Box):
    """Its services start when it is there, and nobody says that they run without it."""
    mount = f"{HOME} (overlay) is mounted"
    with state(box, f"mount --bind {HOME} {HOME}", f"umount -l {HOME}"):
        failed = doctor(box)
        assert failed.status == 1
        assert f"nothing runs: {mount} after ada's service manager has started" in failed.output
        run = deployed(box)
        assert run.changed == {"Access | Run services without a login"}
        assert f"{mount} at login, not when the machine starts: the services start" in run.output
        assert lingers(box) == "no"
        assert deployed(box).changes == 0
        well = doctor(box)
        assert well.status == 0, well.output
        assert f"nothing runs, as {mount} at login; then they start" in well.output
        assert "voicemode-whisper.service runs, and after a login too" in well.output
    assert deployed(box).changed == {"Access | Run services without a login"}
    assert lingers(box) == "yes"


def test_a_user_of_a_domain_joins_groups_and_lingers(box: Box, tmp_path: Path):
    """Neither useradd nor usermod would take the name."""
    file = Path(tmp_path / "access.py")
    file.write_text(
        "from voicemode_whisper.tasks import access, preflight\npreflight.check()\naccess.grant()\n"
    )
    box.run(
        rf"""printf '%s\n' '{DOMAIN_USER}:x:9001:9001::{DOMAIN_HOME}:/bin/sh' >> /etc/passwd
        printf '%s\n' 'CORP\domain users:x:9001:' >> /etc/group
        printf '%s\n' '{DOMAIN_USER}:*:19000::::::' >> /etc/shadow
        mkdir -p {DOMAIN_HOME} && cp -r {HOME}/.ssh {DOMAIN_HOME}/
        chown -R 9001:9001 {DOMAIN_HOME}
        echo '#9001 ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/domain""",
        user="root",
    )
    as_user = {"ssh_user": DOMAIN_USER, "whisper_port": 2122, "proxy_port": 2123}
    run = deployed(box, file=str(file), **as_user)
    assert run.changes == 2
    assert deployed(box, file=str(file), **as_user).changes == 0
    groups = box.run("id -nGz | tr '\\0' ,", user=DOMAIN_USER).stdout
    assert groups == r"CORP\domain users,video,render,"
    assert box.run("ls /run/user/9001/systemd/private", user="root").stdout
