"""The README's own commands, on the machine of a user with much that a test box has not.

A German, whose shell is fish, whose programs are told of an HTTP proxy, whom sudo asks for a
password, and whose home has a space in its name.
"""

import io
import subprocess
import tarfile
from collections.abc import Iterator

import pexpect
import pytest

from tests.boxes import BOX_PASSWORD, Box, ssh
from tests.machines.deploying import ROOT, raise_boxes, sources
from voicemode_whisper.core.speech import is_spoken

USER, HOME = "grace", "/home/grace hopper"
CLONE = "voicemode-whisper"
SAMPLE = "../.voicemode/services/whisper.cpp/samples/jfk.wav"

# Nobody answers at the proxy; past it go the boxes' own sources alone, not what is on the machine.
# The service manager's environment is the session's, as on Arch.
SETUP = f"""\
set -eu
pacman -Syu --needed --noconfirm fish git locales make python
localedef -i de_DE -f UTF-8 de_DE.UTF-8
echo LANG=de_DE.UTF-8 | tee /etc/locale.conf > /etc/default/locale
printf '%s\\n' http_proxy=http://127.0.0.1:9 no_proxy=sources >> /etc/environment
cp /usr/lib/pam.d/systemd-user /etc/pam.d/
echo 'session required pam_env.so' >> /etc/pam.d/systemd-user
usermod --shell /usr/bin/fish --home '{HOME}' --move-home {USER}
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with raise_boxes("own") as (fresh,):
        fresh.run(SETUP, user="root")
        fresh.reboot()
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


def _unasked(box: Box, command: str) -> str:
    """What a command of the README's says without a terminal, with the password in a variable."""
    environment = f"PYINFRA_YES=1 PYINFRA_SUDO_PASSWORD='{BOX_PASSWORD}'"
    return box.run(f"cd {CLONE} && {environment} {command} 2>&1", user=USER).stdout


def test_the_user_is_as_they_should_be(box: Box):
    assert box.run("echo $HOME/$LANG/$http_proxy", user=USER).stdout == (
        f"{HOME}/de_DE.UTF-8/http://127.0.0.1:9\n"
    )
    assert box.run("echo $FISH_VERSION", user=USER).stdout.strip()
    assert box.run("sudo -n true", user=USER, check=False).stderr == (
        "sudo: Ein Passwort ist notwendig\n"
    )


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
    assert is_spoken(transcript(box))


def transcript(box: Box) -> str:
    """What the README's own request answers."""
    request = (
        "curl -sS --noproxy '*' http://127.0.0.1:2023/v1/audio/transcriptions"
        f" -F file=@{SAMPLE} -F response_format=text"
    )
    return box.run(f"cd {CLONE} && {request}", user=USER).stdout


def test_a_second_run_without_a_terminal_changes_nothing(box: Box):
    output = _unasked(box, "make deploy")
    assert "Success" in output
    total = next(line for line in output.splitlines() if "Grand total" in line)
    assert total.split()[2:] == [total.split()[2], "-", "-", total.split()[2]], output


def test_the_doctor_finds_nothing(box: Box):
    output = _unasked(box, ".venv/bin/pyinfra -y inventory.py tasks/doctor.py")
    assert "all checks passed" in output


def test_nothing_but_the_user_owns_their_home_and_no_password_is_left(box: Box):
    assert box.run(f"find ~{USER} -not -user {USER}", user="root").stdout == ""
    left = box.run(
        f"grep -rIlF '{BOX_PASSWORD}' ~{USER}/.voicemode ~{USER}/.config /tmp || true", user="root"
    )
    assert left.stdout == ""


def test_a_change_can_be_rolled_back(box: Box):
    _unasked(box, ".venv/bin/pyinfra inventory.py deploy.py --data proxy_port=2033")
    _unasked(box, ".venv/bin/pyinfra inventory.py tasks/rollback.py")
    assert is_spoken(transcript(box))


def test_uninstalling_leaves_the_model_alone(box: Box):
    _unasked(box, ".venv/bin/pyinfra inventory.py tasks/uninstall.py")
    left = box.run("find ~/.voicemode/services ~/.config/systemd -type f", user=USER, check=False)
    assert [line.rpartition("/")[2] for line in left.stdout.splitlines()] == ["ggml-tiny.en.bin"]
