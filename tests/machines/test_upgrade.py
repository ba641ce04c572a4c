"""Run again to upgrade: from a pinned version to the latest."""

from collections.abc import Iterator

import pytest

from core.speech import is_spoken
from tests import boxes
from tests.boxes import Box
from tests.machines.deploying import SERVICES, deployed, raise_boxes, transcript


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with raise_boxes("upgraded") as (fresh,):
        yield fresh


def live(box: Box) -> str:
    return box.run(f"readlink {SERVICES}/whisper.cpp/build").stdout.strip()


def server(box: Box) -> str:
    """The program that the running whisper-server is."""
    return box.run("readlink /proc/$(pgrep -x whisper-server)/exe").stdout.strip()


def test_an_upgrade_is_a_second_run(box: Box):
    deployed(box, whisper_version="v1.7.5")
    old = live(box)
    assert old.startswith("build-v1.7.5-")
    assert is_spoken(transcript(box))

    mark = boxes.mark()
    deployed(box)
    assert live(box).startswith("build-v1.9.1-")
    assert f"/{live(box)}/" in server(box)
    assert is_spoken(transcript(box))
    box.run(f"test -x {SERVICES}/whisper.cpp/{old}/bin/whisper-server")

    fetched = {request.path.split("/")[1] for request in boxes.requests_since(mark)}
    assert fetched == {"git"}, "only whisper.cpp itself is fetched: no model, wheel or package"
    assert deployed(box).changes == 0


def test_going_back_to_a_version_that_is_there_builds_nothing(box: Box):
    run = deployed(box, whisper_version="v1.7.5")
    assert live(box).startswith("build-v1.7.5-")
    assert f"/{live(box)}/" in server(box)
    assert is_spoken(transcript(box))
    assert run.changed == {
        "whisper.cpp | Check out whisper.cpp v1.7.5",
        "Services | Switch to whisper.cpp v1.7.5",
        "Services | Run voicemode-whisper.service",
        # The proxy's unit names the version, for /health.
        "Services | Write voicemode-whisper-proxy.service",
        "Services | Run voicemode-whisper-proxy.service",
        "Verify | Transcribe speech through the proxy",
    }
