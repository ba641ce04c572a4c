"""whisper-server is stopped when nobody asks, and started by the next request: the real ones.

A tenth of the requests in `make test`, all of them in `make torture`. TORTURE_SEED=WORD pauses and
kills as it did before.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines.deploying import (
    Run,
    deploy,
    deployed,
    health,
    post,
    raise_boxes,
    sample,
    transcript,
)
from tests.machines.load import RIGHT, Load, kind
from tests.tunnel import tunnel
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT

SYSTEMCTL = "XDG_RUNTIME_DIR=/run/user/1000 systemctl --user"
IDLE_SECONDS = 10
SETTINGS = {"idle_stop": f"{IDLE_SECONDS}s"}
ALL = os.environ.get("TORTURE_CASES") == "all"
REQUESTS, STOPS = (200, 5) if ALL else (20, 2)
# As soon as it runs, and so before its model is loaded.
KILL = "until pkill -KILL -x whisper-server; do sleep 0.01; done"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("idle-stop", base=served) as (serving,):
        deployed(serving, **SETTINGS)
        yield serving


def sleep(box: Box) -> None:
    """Return when whisper-server is idle, and its process has ended."""
    deadline = time.monotonic() + 60
    while box.run("pgrep -x whisper-server", check=False).returncode == 0:
        assert time.monotonic() < deadline, health(box)
        time.sleep(0.5)
    found = health(box)
    assert (found["status"], found["whisper_server"], found["in_use"]) == ("ok", "idle", None)


def active(box: Box) -> str:
    return box.run(f"{SYSTEMCTL} is-active {SERVER_UNIT}", check=False).stdout.strip()


def test_it_is_stopped_and_systemd_says_why(box: Box):
    sleep(box)
    assert active(box) == "inactive"
    said = box.run(f"{SYSTEMCTL} status {PROXY_UNIT}", check=False).stdout
    assert "whisper-server is idle: it was stopped after 10 s without requests" in said
    assert "whisper_proxy_upstream_up 1.0" in box.run("curl -sS 127.0.0.1:2023/metrics").stdout


def test_a_deploy_that_has_nothing_to_do_changes_nothing(box: Box):
    sleep(box)
    assert deployed(box, **SETTINGS).changes == 0


def test_the_doctor_wakes_it_and_finds_all_well(box: Box):
    sleep(box)
    run = examined(box)
    assert run.status == 0, run.output
    assert (
        "whisper-server was idle, as nothing was asked for, and a request has start" in run.output
    )
    print(f"woken in {health(box)['wake_seconds']} s")


def examined(box: Box) -> Run:
    return deploy(box, file="tasks/doctor.py", **SETTINGS)


def test_what_the_operator_stops_is_not_idle(box: Box):
    box.run(f"{SYSTEMCTL} start {SERVER_UNIT}")
    box.run(f"{SYSTEMCTL} stop {SERVER_UNIT}")
    run = examined(box)
    assert run.status != 0
    assert f"{SERVER_UNIT} is inactive" in run.output
    box.run(f"{SYSTEMCTL} start {SERVER_UNIT}")


def test_a_proxy_that_dies_meanwhile_has_it_started(box: Box):
    sleep(box)
    box.run(f"{SYSTEMCTL} kill --signal=KILL {PROXY_UNIT}")
    assert kind(transcript(box)) == "whole"


def test_a_deploy_that_begins_while_it_is_idle_loses_no_request(box: Box):
    speech = sample(box)
    sleep(box)
    with tunnel(box, 2023) as url:
        load = Load(url, speech, rate=1)
        with load.at_work():
            run = deployed(box, **SETTINGS, whisper_port=2122)
    print(load)
    assert any("Switch to" in name for name in run.changed)
    assert not load.failed
    sleep(box)
    deployed(box, **SETTINGS)  # back, and nobody asks meanwhile
    assert health(box)["whisper_server"] == "ready"


def test_no_request_is_lost_while_it_is_stopped_started_and_killed(box: Box):
    seed = os.environ.get("TORTURE_SEED") or str(random.randrange(10**6))
    chance = random.Random(seed)
    stops = set(chance.sample(range(1, REQUESTS), STOPS))
    speech, outcomes, wakes = sample(box), Counter[str](), []
    before = starts(box)
    with tunnel(box, 2023) as url:
        for number in range(REQUESTS):
            time.sleep(chance.uniform(0, 0.3))
            if number in stops:
                # Near the moment at which it is stopped, before and after.
                time.sleep(IDLE_SECONDS + chance.choice((0, 0.2, 0.5, 1, 1.5, 4)))
            is_killed = number in stops and chance.random() < 0.5
            outcomes[asked(box, url, speech, is_killed=is_killed)] += 1
            if number in stops:
                wakes.append(health(box)["wake_seconds"])
        sleep(box)  # once more, so that one is certain
        outcomes[asked(box, url, speech, is_killed=True)] += 1
    print(
        f"TORTURE_SEED={seed}: {dict(outcomes)}, {starts(box) - before} starts, woken in {wakes} s"
    )
    assert outcomes == {RIGHT: REQUESTS + 1}
    assert starts(box) > before


def asked(box: Box, url: str, speech: bytes, *, is_killed: bool) -> str:
    """What came of a request; `is_killed` is whether whisper-server is as soon as it runs."""
    killer = threading.Thread(target=box.run, args=(KILL,))
    if is_killed:
        killer.start()
    try:
        heard = kind(post(url, speech))
    except Exception as error:
        return f"lost: {error}"
    finally:
        if is_killed:
            killer.join()
    return RIGHT if heard == "whole" else f"wrong: {heard}"


def starts(box: Box) -> int:
    """How many times whisper-server was started, by the journal."""
    log = box.run(f"journalctl --user -q -o cat -u {SERVER_UNIT}").stdout
    return log.count("Started ")
