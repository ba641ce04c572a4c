"""VoiceMode's files are read as it reads them, changed by a line, and put back."""

from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines.deploying import deploy, deployed, raise_boxes
from tests.machines.test_refusals import refused
from voicemode_whisper.core.voicemode_env import BEFORE, STT

URL, CLOUD = "http://127.0.0.1:2023/v1", "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY=sk-mine\n"
SET = f"{STT}={URL}\n"
PLACE = "/home/ada/.voicemode"
ENV, LEGACY = f"{PLACE}/voicemode.env", f"{PLACE}/.voicemode.env"
# chattr, which is on every Arch machine, is on no box.
FLAGS = (
    "python3 -c 'import fcntl, struct, sys; "
    'fcntl.ioctl(open(sys.argv[2]), 0x40086602, struct.pack("l", int(sys.argv[1])))\''
)


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("voicemode", base=served) as (serving,):
        yield serving


@pytest.fixture(autouse=True)
def clean(box: Box) -> None:
    box.run(f"rm -rf {PLACE}/*voicemode.env* {LEGACY}")


def write(box: Box, text: str, path: str = ENV) -> None:
    box.run(f"cat > {path}", input=text)


def test_the_line_that_counts_is_changed_and_comes_back(box: Box):
    """Of a read-only file by the older name, which the user's dotfiles hold."""
    before = f"{KEY}{STT} = '{CLOUD}'\r\n{STT}=https://later.example\r\n"
    box.run("mkdir -p ~/dotfiles && rm -f ~/dotfiles/*")
    write(box, before, "dotfiles/env")
    box.run(f"chmod 400 ~/dotfiles/env && ln -s ../dotfiles/env {LEGACY}")
    run = deployed(box, file="deploy.py")
    assert run.changed == {"VoiceMode | Point VoiceMode at the proxy"}
    assert "sk-mine" not in run.output
    assert box.run("tr '\\r' @ < ~/dotfiles/env").stdout == (
        f"{KEY}{BEFORE}{STT} = '{CLOUD}'@\n{STT} = '{URL}'@\n"
        f"{BEFORE}{STT}=https://later.example@\n{STT}={URL}@\n"
    )
    assert box.run(f"stat -c %a ~/dotfiles/env; readlink {LEGACY}").stdout == (
        "400\n../dotfiles/env\n"
    )
    assert box.run(f"ls -A ~/dotfiles; ls {PLACE}").stdout == "env\nservices\n"
    assert deployed(box, file="deploy.py").changes == 0


@pytest.mark.parametrize(
    ("do", "said", "undo"),
    [
        (
            f"chown root: {ENV}",
            f"VoiceMode: {ENV} belongs to root; run: sudo chown ada {ENV}",
            "true",
        ),
        (f"{FLAGS} 16 {ENV}", f"run: sudo chattr -ia {ENV}", f"{FLAGS} 0 {ENV}"),
        (f"rm {ENV} && mkdir {ENV}", f"VoiceMode: {ENV} is a directory", f"rmdir {ENV}"),
        (f"printf '\\377\\n' > {ENV}", "is not text in UTF-8", "true"),
        (
            f"mkdir /srv/env && mv {ENV} /srv/env/ && ln -s /srv/env/voicemode.env {ENV}",
            f"VoiceMode: {ENV} cannot be replaced in /srv/env, where ada may not write",
            "rm -r /srv/env",
        ),
    ],
)
def test_what_cannot_be_changed_is_refused_before_anything_is(
    box: Box, do: str, said: str, undo: str
):
    write(box, KEY)
    box.run(do, user="root")
    try:
        assert said in refused(box)
    finally:
        box.run(undo, user="root")


def test_what_needs_no_change_may_be_as_it_likes(box: Box):
    write(box, f"{STT}={URL},{CLOUD}\n")
    box.run(f"chown root: {ENV}", user="root")
    assert deployed(box).changes == 0
    table = deploy(box, file="tasks/doctor.py").output
    assert (
        f"is pointed at {URL} by {ENV}, line 1, and silence and what fails go to {CLOUD};" in table
    )


def test_uninstall_puts_back_what_was_there(box: Box):
    before = f"{KEY}\t{STT}={CLOUD}"
    write(box, f"{before}\n")
    deployed(box)
    assert URL in box.run(f"cat {ENV}").stdout
    deployed(box, file="tasks/uninstall.py")
    assert box.run(f"cat {ENV}; ls -A {PLACE}").stdout == f"{before}\nservices\nvoicemode.env\n"
