"""Several machines in one run, one of them broken."""

from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines.deploying import deploy, raise_boxes, transcript
from voicemode_whisper.core.speech import is_spoken


@pytest.fixture(scope="module")
def three() -> Iterator[list[Box]]:
    with raise_boxes("first", "broken", "third") as some:
        yield some


def test_the_broken_one_is_named_and_the_others_are_finished(three: list[Box]):
    first, broken, third = three
    broken.run(
        "sed -i 's|^Server = .*|Server = http://sources:1/gone|' /etc/pacman.conf", user="root"
    )
    run = deploy(*three)
    assert run.status != 0
    said = [line for line in run.output.splitlines() if "[broken]" in line]
    assert any("failed retrieving file" in line for line in said), run.output
    for box in (first, third):
        assert is_spoken(transcript(box))
    assert broken.run("test -e ~/.voicemode/services/whisper.cpp", check=False).returncode != 0
