"""Run again to upgrade: from a pinned version to the latest, while clients send requests."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

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
from voicemode_whisper.core.speech import is_spoken

RATE = 2  # requests a second


@dataclass(frozen=True)
class Upgrade:
    """The second run: what was live before it, what it fetched, what clients saw of it."""

    old: str
    requests: list[Request]
    load: Load


@pytest.fixture(scope="module")
def box(served_old: str) -> Iterator[Box]:
    with raise_boxes("upgraded", base=served_old) as (serving,):
        yield serving


@pytest.fixture(scope="module")
def upgrade(box: Box) -> Upgrade:
    old = live(box)
    assert old.startswith("v1.7.5-")
    assert is_spoken(transcript(box))

    mark = boxes.mark()
    with tunnel(box, 2023) as url:
        load = Load(url, sample(box), RATE)
        with load.at_work():
            deployed(box)
    return Upgrade(old, boxes.requests_since(mark, box.address), load)


def live(box: Box) -> str:
    return box.run(f"basename $(realpath {SERVICES}/whisper.cpp/build)").stdout.strip()


def server(box: Box) -> str:
    """The program that the running whisper-server is."""
    return box.run("readlink /proc/$(pgrep -x whisper-server)/exe").stdout.strip()


def test_an_upgrade_is_a_second_run(box: Box, upgrade: Upgrade):
    assert live(box).startswith("v1.9.1-")
    assert f"/{live(box)}/" in server(box)
    assert is_spoken(transcript(box))
    box.run(f"test -x {SERVICES}/whisper.cpp/builds/{upgrade.old}/bin/whisper-server")

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
    assert live(box).startswith("v1.7.5-")
    assert f"/{live(box)}/" in server(box)
    assert is_spoken(transcript(box))
    assert run.changed == {
        "whisper.cpp | Check out whisper.cpp v1.7.5",
        "Services | Switch to whisper.cpp v1.7.5 with tiny.en",
        "Verify | Transcribe speech through the proxy",
        # The generation before that was the same.
        "Verify | Free what no generation needs",
    }


def generations(box: Box) -> dict[int, str]:
    """The status of each generation, by its number."""
    show = "echo $n $(tr '\\n' ' ' < $n/manifest.json)"
    lines = box.run(f"cd {SERVICES}/generations; for n in *; do {show}; done").stdout.splitlines()
    manifests = (line.split(" ", 1) for line in lines)
    return {int(number): json.loads(text)["status"] for number, text in sorted(manifests)}


def current(box: Box) -> int:
    return int(box.run(f"basename $(readlink {SERVICES}/current)").stdout)


def test_going_back_twice_and_forward(box: Box, upgrade: Upgrade):
    """From v1.7.5 to v1.9.1 at another port, which served before, and to v1.9.1 as it was."""
    deployed(box, retry="yes")
    first = current(box)
    deployed(box, whisper_port=2032)
    deployed(box, whisper_version="v1.7.5")
    newest = current(box)
    assert newest == first + 2
    run = deployed(box, file="tasks/rollback.py")
    assert f"rolled back to generation {first + 1} (whisper.cpp v1.9.1 with tiny.en)" in run.output
    assert (live(box)[:6], current(box)) == ("v1.9.1", first + 1)
    assert f"/{live(box)}/" in server(box)
    assert '"whisper_version": "v1.9.1"' in box.run("curl -s http://127.0.0.1:2023/health").stdout
    box.run("curl -fsS http://127.0.0.1:2032/health")
    assert is_spoken(transcript(box))
    deployed(box, file="tasks/rollback.py")
    assert current(box) == first
    box.run("curl -fsS http://127.0.0.1:2022/health")
    assert is_spoken(transcript(box))

    left_alone = deployed(box, whisper_version="v1.7.5")
    assert left_alone.changes == 0
    said = f"generation {newest} (whisper.cpp v1.7.5 with tiny.en) was rejected on"
    assert said in left_alone.output
    assert "rolled back by hand" in left_alone.output
    assert current(box) == first

    deployed(box, whisper_version="v1.7.5", retry="yes")
    assert current(box) == newest + 1
    assert generations(box)[newest + 1] == "confirmed"
    assert is_spoken(transcript(box))


def test_going_back_ends_where_nothing_is_kept(box: Box, upgrade: Upgrade):
    while (run := deploy(box, file="tasks/rollback.py")).status == 0:
        assert is_spoken(transcript(box))
    assert "rollback: no earlier generation is kept" in run.output
    assert list(generations(box).values()).count("confirmed") == 1
    assert is_spoken(transcript(box))
    deployed(box, retry="yes")


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
