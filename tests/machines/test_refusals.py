"""What cannot work is refused in one line, before anything is changed."""

from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines.deploying import SERVICES, deploy, deployed, raise_boxes, transcript
from voicemode_whisper.core.speech import is_spoken


@pytest.fixture(scope="module")
def bare() -> Iterator[Box]:
    with raise_boxes("bare") as (box,):
        yield box


@pytest.fixture(scope="module")
def serving(served: str) -> Iterator[Box]:
    with raise_boxes("serving", base=served) as (box,):
        yield box


def refused(box: Box, **data: object) -> str:
    """The one line that a run of the deploy ends with for this box."""
    run = deploy(box, **data)
    assert run.status == 1, run.output
    assert "Traceback" not in run.output
    lines = [line for line in run.output.splitlines() if f"[{box.name}]" in line]
    (line,) = [line for line in lines if "Connected" not in line]
    return line.split("]", 1)[1].strip()


def untouched(box: Box) -> bool:
    return (
        box.run("ls -A ~ | grep -x .voicemode; pacman -Qq; ls /var/lib/systemd/linger").stdout == ""
    )


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("whisper_backend", "hip", "no AMD GPU"),
        ("whisper_version", "v9.9.9", "the newest is v1.9.1"),
        ("whisper_repo", "http://sources:1/git", "cannot read http://sources:1/git"),
    ],
)
def test_a_setting_that_fits_nothing_there(bare: Box, setting: str, value: object, allowed: str):
    line = refused(bare, **{setting: value})
    assert line.startswith(f"{setting}: ")
    assert allowed in line
    assert untouched(bare)


def test_a_port_that_something_else_has(bare: Box):
    listen = "systemd-socket-activate --listen=127.0.0.1:2023 cat"
    bare.run(f"systemd-run --quiet --unit=squatter {listen}", user="root")
    try:
        assert refused(bare).startswith(
            "proxy_port: 2023 is taken by systemd-socket- in squatter.service"
        )
    finally:
        bare.run("systemctl stop squatter", user="root")
    assert untouched(bare)


def test_a_machine_that_is_no_arch(bare: Box):
    bare.run("cp /etc/os-release /root/os-release", user="root")
    bare.run("printf 'ID=debian\\nPRETTY_NAME=\"Debian 13\"\\n' > /etc/os-release", user="root")
    try:
        assert refused(bare).startswith("host: this is Debian 13; needed is Arch Linux")
    finally:
        bare.run("cat /root/os-release > /etc/os-release", user="root")
    assert untouched(bare)


def test_too_little_disk(bare: Box):
    place = "/home/ada/.voicemode"
    bare.run(f"mkdir {place} && mount -t tmpfs -o size=100m,mode=777 none {place}", user="root")
    try:
        line = refused(bare)
    finally:
        bare.run(f"umount {place} && rmdir {place}", user="root")
    assert line == (
        f"disk: {place}/services has 0.1 GiB free; needed are 1.1 GiB on {place}: "
        "1 MiB for the run's notes, 1.0 GiB for the build, 100 MiB for the proxy's Python packages"
    )
    assert untouched(bare)


def test_root_as_the_owner_of_the_services(bare: Box):
    assert refused(bare, ssh_user="root").startswith("user: connected as root")
    assert untouched(bare)


def test_a_password_that_nobody_can_be_asked_for(bare: Box):
    assert refused(bare, ssh_user="grace").startswith("sudo: asks for a password, and there is no")
    assert untouched(bare)


def test_a_login_shell_that_greets_beside_a_machine_that_does_not(bare: Box, serving: Box):
    """Its host is refused in one line; the other is deployed to as if it were alone."""
    bare.run("sed -i '1i echo Welcome back' ~/.bashrc")
    try:
        run = deploy(bare, serving)
    finally:
        bare.run("sed -i 1d ~/.bashrc")
    assert run.status == 1
    assert "Traceback" not in run.output
    said = [line for line in run.output.splitlines() if f"[{bare.name}]" in line]
    # pyinfra calls every host ready whose connection stands.
    lines = [line for line in said if "Connected" not in line and "Ready:" not in line]
    assert len(lines) == 1, said
    (line,) = lines
    assert "'Welcome back'" in line
    assert "~/.bashrc" in line
    assert run.results
    assert run.results["failed_hosts"] == [bare.name]
    assert "Verify | Transcribe speech through the proxy" in run.output
    assert untouched(bare)


def test_a_model_with_another_sum_is_deleted_and_the_old_one_serves(serving: Box):
    models = f"{SERVICES}/whisper.cpp/models"
    before = serving.run(f"ls -A {models}; sha256sum {models}/*.bin").stdout
    run = deploy(serving, model_sha256="f" * 64)
    assert run.status == 1
    assert "does not match its SHA-256" in run.output
    assert serving.run(f"ls -A {models}; sha256sum {models}/*.bin").stdout == before
    assert is_spoken(transcript(serving))
    assert deployed(serving).changes == 0


def test_a_named_model_is_known_by_its_sum(serving: Box):
    """The boxes' tiny.en is a conversion of its own, so it is not the published file."""
    source = "http://sources:8642/models"
    run = deploy(serving, whisper_model="tiny.en", model_sha256="", model_source=source)
    assert run.status == 1
    assert "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f" in run.output
    assert is_spoken(transcript(serving))
