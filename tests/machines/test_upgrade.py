"""Run again to upgrade: from a pinned version to the latest, while clients send requests."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from core.speech import is_spoken
from tests import boxes
from tests.boxes import Box, Request
from tests.machines.deploying import (
    SERVICES,
    deploy,
    deployed,
    raise_boxes,
    sample,
    transcript,
)
from tests.machines.load import Load
from tests.tunnel import tunnel

RATE = 5  # requests a second


@dataclass(frozen=True)
class Upgrade:
    """The second run: what was live before it, what it fetched, what clients saw of it."""

    old: str
    requests: list[Request]
    load: Load


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with raise_boxes("upgraded") as (fresh,):
        yield fresh


@pytest.fixture(scope="module")
def upgrade(box: Box) -> Upgrade:
    deployed(box, whisper_version="v1.7.5")
    old = live(box)
    assert old.startswith("build-v1.7.5-")
    assert is_spoken(transcript(box))

    mark = boxes.mark()
    with tunnel(box, 2023) as url:
        load = Load(url, sample(box), RATE)
        with load.at_work():
            deployed(box)
    return Upgrade(old, boxes.requests_since(mark), load)


def live(box: Box) -> str:
    return box.run(f"readlink {SERVICES}/whisper.cpp/build").stdout.strip()


def server(box: Box) -> str:
    """The program that the running whisper-server is."""
    return box.run("readlink /proc/$(pgrep -x whisper-server)/exe").stdout.strip()


def test_an_upgrade_is_a_second_run(box: Box, upgrade: Upgrade):
    assert live(box).startswith("build-v1.9.1-")
    assert f"/{live(box)}/" in server(box)
    assert is_spoken(transcript(box))
    box.run(f"test -x {SERVICES}/whisper.cpp/{upgrade.old}/bin/whisper-server")

    fetched = {request.path.split("/")[1] for request in upgrade.requests}
    assert fetched == {"git"}, "only whisper.cpp itself is fetched: no model, wheel or package"
    assert deployed(box).changes == 0


def test_no_request_is_lost_in_an_upgrade_under_load(upgrade: Upgrade):
    load = upgrade.load
    print(load)
    assert load.failed == {}
    assert load.sent_rate > 0.98 * RATE, "the load was not what it should have been"
    assert load.speeches > 0


def test_going_back_to_a_version_that_is_there_builds_nothing(box: Box, upgrade: Upgrade):
    run = deployed(box, whisper_version="v1.7.5")
    assert live(box).startswith("build-v1.7.5-")
    assert f"/{live(box)}/" in server(box)
    assert is_spoken(transcript(box))
    assert run.changed == {
        "whisper.cpp | Check out whisper.cpp v1.7.5",
        "Services | Switch to whisper.cpp v1.7.5",
        "Services | Run voicemode-whisper.service",
        # The proxy's unit names the version, for /health.
        "Services | Write the units",
        "Services | Run voicemode-whisper-proxy.service",
        "Verify | Transcribe speech through the proxy",
    }


def test_going_back_by_hand_is_a_command_and_ends_where_nothing_is_kept(box: Box, upgrade: Upgrade):
    deployed(box)
    assert live(box).startswith("build-v1.9.1-")
    run = deployed(box, file="tasks/rollback.py")
    assert "whisper.cpp v1.7.5 with tiny.en serves again" in run.output
    assert live(box) == upgrade.old
    assert f"/{live(box)}/" in server(box)
    assert '"whisper_version": "v1.7.5"' in box.run("curl -s http://127.0.0.1:2023/health").stdout
    assert is_spoken(transcript(box))

    again = deploy(box, file="tasks/rollback.py")
    assert again.status == 1
    assert "rollback: nothing that served before the present setup is kept" in again.output
    assert is_spoken(transcript(box))


def test_another_model_is_gone_back_from_too(box: Box, upgrade: Upgrade):
    """The same file under another name: to the deploy that is another model."""
    models = "~/.voicemode/services/whisper.cpp/models"
    deployed(box)
    box.run(f"cp {models}/ggml-tiny.en.bin /var/tmp/ggml-copy.en.bin")
    run = deployed(box, whisper_model="/var/tmp/ggml-copy.en.bin")
    assert "whisper.cpp | Build whisper.cpp v1.9.1" not in run.changed
    assert '"model": "copy.en"' in box.run("curl -s http://127.0.0.1:2023/health").stdout
    deployed(box, file="tasks/rollback.py")
    assert '"model": "tiny.en"' in box.run("curl -s http://127.0.0.1:2023/health").stdout
    assert is_spoken(transcript(box))
