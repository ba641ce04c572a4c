"""What the deploy put on a machine can be removed, and nothing else goes with it."""

from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines.deploying import SERVICES, deployed, raise_boxes, transcript
from voicemode_whisper.core.speech import is_spoken

MINE = {
    f"{SERVICES}/whisper.cpp/mine.txt": "mine",
    f"{SERVICES}/whisper.cpp/build-mine/note": "mine",
    f"{SERVICES}/whisper-proxy.py": "mine",
    "~/.config/systemd/user/mine.service": "[Service]\nExecStart=/bin/true",
}


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("uninstalled", base=served) as (serving,):
        yield serving


def files(box: Box) -> set[str]:
    """The files below what the deploy writes into the home."""
    found = box.run("find ~/.voicemode ~/.config ! -type d 2>/dev/null || true").stdout
    return set(found.replace("/home/ada", "~").split())


def test_what_is_the_user_s_and_the_models_stay(box: Box):
    for path, text in MINE.items():
        box.run(f"mkdir -p $(dirname {path}) && cat > {path}", input=text)
    box.run("echo OTHER=1 >> ~/.voicemode/voicemode.env")
    run = deployed(box, file="tasks/uninstall.py")
    assert "sudo loginctl disable-linger ada" in run.output
    model = f"{SERVICES}/whisper.cpp/models/ggml-tiny.en.bin"
    assert files(box) == {*MINE, model, "~/.voicemode/voicemode.env"}
    assert box.run("cat ~/.voicemode/voicemode.env").stdout == "OTHER=1\n"
    assert box.run("pgrep -u ada 'whisper|python'", check=False).stdout == ""
    assert box.run("ss -Hltn '( sport = :2022 or sport = :2023 )'").stdout == ""
    units = box.run("XDG_RUNTIME_DIR=/run/user/1000 systemctl --user list-unit-files").stdout
    assert "voicemode" not in units
    assert deployed(box, file="tasks/uninstall.py").changes == 0


def test_it_can_be_deployed_to_again(box: Box):
    deployed(box)
    assert is_spoken(transcript(box))


def test_with_the_models_nothing_is_left_but_what_is_the_user_s(box: Box):
    deployed(box, file="tasks/uninstall.py", uninstall_models="yes")
    assert files(box) == {*MINE, "~/.voicemode/voicemode.env"}
