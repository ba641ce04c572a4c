"""The README's own command, on the machine itself, as a user whom sudo asks for a password."""

import io
import subprocess
import tarfile
from collections.abc import Iterator

import pexpect
import pytest

from tests.boxes import BOX_PASSWORD, Box, ssh
from tests.machines.deploying import ROOT, raise_boxes, sources, transcript
from voicemode_whisper.core.speech import is_spoken

USER = "grace"
CLONE = "voicemode-whisper"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with raise_boxes("own") as (fresh,):
        fresh.run(
            "sudo -S pacman -Syu --needed --noconfirm git make python",
            user=USER,
            input=f"{BOX_PASSWORD}\n",
        )
        _copy_checkout(fresh)
        yield fresh


def _copy_checkout(box: Box) -> None:
    """What a clone would bring, with an inventory that names the boxes' sources."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in filter(None, listed):
            if (ROOT / name).exists():
                tar.add(ROOT / name, name)
    command = [
        *ssh.arguments(box.address, USER),
        f"mkdir {CLONE} && tar -xf - -C {CLONE} --no-same-owner",
    ]
    subprocess.run(command, check=True, input=buffer.getvalue())
    inventory = f"servers = [('@local', {sources()!r})]\n"
    box.run(f"cat > {CLONE}/inventory.py", user=USER, input=inventory)


def test_make_deploy_asks_and_then_does_it(box: Box):
    command = ssh.arguments(box.address, USER, "-tt")
    session = pexpect.spawn(
        command[0], [*command[1:], f"cd {CLONE} && make deploy"], encoding="utf-8", timeout=600
    )
    session.expect("sudo password: ")
    session.sendline(BOX_PASSWORD)
    session.expect("Press enter to execute")
    session.sendline("")
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 0, session.before
    assert is_spoken(transcript(box, USER))


def test_a_second_run_without_a_terminal_changes_nothing(box: Box):
    environment = f"PYINFRA_YES=1 PYINFRA_SUDO_PASSWORD='{BOX_PASSWORD}'"
    run = box.run(f"cd {CLONE} && {environment} make deploy 2>&1", user=USER)
    assert "Success" in run.stdout
    total = next(line for line in run.stdout.splitlines() if "Grand total" in line)
    assert total.split()[2:] == [total.split()[2], "-", "-", total.split()[2]], run.stdout


def test_nothing_but_the_user_owns_their_home_and_no_password_is_left(box: Box):
    assert box.run(f"find ~{USER} -not -user {USER}", user="root").stdout == ""
    left = box.run(
        f"grep -rIlF '{BOX_PASSWORD}' ~{USER}/.voicemode ~{USER}/.config /tmp || true", user="root"
    )
    assert left.stdout == ""
