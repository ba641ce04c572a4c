"""Over SSH, as a CachyOS user: fish, a sudo that asks for a password, and a space in the home."""

from collections.abc import Iterator

import pytest

from tests.boxes import BOX_PASSWORD, Box
from tests.machines.deploying import deployed, raise_boxes, transcript
from voicemode_whisper.core.speech import is_spoken

USER, HOME = "grace", "/home/grace hopper"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with raise_boxes("remote") as (fresh,):
        fresh.run("pacman -Syu --needed --noconfirm fish", user="root")
        change = f"usermod --shell /usr/bin/fish --home '{HOME}' --move-home {USER}"
        fresh.run(change, user="root")
        assert fresh.run("echo $FISH_VERSION", user=USER).stdout.strip()
        yield fresh


def test_a_deploy_with_a_password_from_the_environment(box: Box, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYINFRA_SUDO_PASSWORD", BOX_PASSWORD)
    run = deployed(box, ssh_user=USER)
    assert BOX_PASSWORD not in run.output
    assert is_spoken(transcript(box, USER))
    assert deployed(box, ssh_user=USER).changes == 0
    assert box.run(f"find ~{USER} -not -user {USER}", user="root").stdout == ""
    left = box.run(f"grep -rIlsF '{BOX_PASSWORD}' ~{USER} /tmp /etc || true", user="root")
    assert left.stdout == ""
