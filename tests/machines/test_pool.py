"""A pool of two members behind a gateway that has no whisper.cpp of its own."""

import json
import runpy
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.boxes import Box, state
from tests.machines.deploying import INVENTORY, deploy, deployed, raise_boxes, sample
from tests.machines.load import Load, kind
from tests.tunnel import tunnel
from voicemode_whisper.core.layout import POOL_UNITS

SYSTEMCTL = "XDG_RUNTIME_DIR=/run/user/1000 systemctl --user"
POOL = "~/.voicemode/services/pool"
RUNTIME = "/run/user/1000/voicemode-whisper-pool"


@pytest.fixture(scope="module")
def boxes(served: str) -> Iterator[tuple[Box, Box, Box]]:
    with raise_boxes("one", "two", base=served) as (one, two), raise_boxes("gate") as (gate,):
        yield gate, one, two


@pytest.fixture(scope="module")
def speech(boxes: tuple[Box, Box, Box]) -> bytes:
    return sample(boxes[1])


@pytest.fixture(scope="module")
def inventory(boxes: tuple[Box, Box, Box]) -> Path:
    return write_inventory(*boxes)


def write_inventory(gate: Box, *members: Box) -> Path:
    """The inventory of a pool, as a user writes it."""
    data: dict[str, Any] = runpy.run_path(str(INVENTORY))["boxes"][1]
    servers = [(box.name, {"ssh_hostname": box.address}) for box in members]
    pool = [(gate.name, {"ssh_hostname": gate.address})]
    path = state.RUN / gate.name / "pool.py"
    state.write_whole(path, f"servers = {(servers, data)!r}\npool = {(pool, data)!r}\n")
    return path


def health(gate: Box) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gate.run("curl -sS http://127.0.0.1:2024/health").stdout)
    return found


def test_one_run_makes_the_pool_and_speech_is_transcribed_through_it(
    boxes: tuple[Box, Box, Box], inventory: Path, speech: bytes
):
    gate, *_ = boxes
    run = deployed(*boxes, inventory=inventory)
    assert "a pool of 2: one and two" in run.output
    with tunnel(gate, 2024) as url:
        answer = requests.post(
            f"{url}/v1/audio/transcriptions",
            files={"file": ("audio.wav", speech)},
            data={"model": "whisper-1", "response_format": "verbose_json"},
            timeout=120,
        )
    assert kind(answer.json()["text"]) == "whole"
    assert gate.run("pacman -Qq cmake", check=False).returncode != 0
    assert gate.run("test -e ~/.voicemode/services/whisper.cpp", check=False).returncode != 0


def test_another_run_changes_nothing(boxes: tuple[Box, Box, Box], inventory: Path):
    assert deployed(*boxes, inventory=inventory).changes == 0


def test_nobody_else_on_the_gateway_reaches_the_balancer(boxes: tuple[Box, Box, Box]):
    gate, *_ = boxes
    modes = gate.run(f"stat -c '%a %n' {RUNTIME} {RUNTIME}/*", user="root").stdout.split()
    assert modes[::2] == ["700", "600", "600"]
    ports = gate.run("ss -Hltn | awk '{print $4}'").stdout.split()
    assert {"0.0.0.0:2024", "127.0.0.1:2025"} <= set(ports)


def test_a_member_lets_nobody_but_its_gateway_in(boxes: tuple[Box, Box, Box]):
    gate, one, two = boxes
    ask = f"curl -sk https://{one.address}:2023/v1/models"
    assert "certificate_required" in two.run(ask).stdout
    tls = "~/.voicemode/services/tls"
    theirs = f"--cert {tls}/server.pem --key {tls}/server.key"
    assert two.run(f"{ask} {theirs}", check=False).returncode != 0
    shown = f"--cert {tls}/pool.pem --key {tls}/pool.pem.key"
    assert json.loads(gate.run(f"{ask} {shown}").stdout)["object"] == "list"
    plain = two.run(f"curl -s http://{one.address}:2023/v1/models").stdout
    assert "tls_required" in plain
    # Keys stay where they are made.
    assert one.run(f"ls {tls}").stdout.split() == ["ca.pem", "server.key", "server.pem"]


def test_the_doctor_finds_all_well(boxes: tuple[Box, Box, Box], inventory: Path):
    run = deploy(*boxes, inventory=inventory, file="tasks/doctor.py")
    assert run.status == 0, run.output
    for row in ("member one ", "member two ", "pool serves", "pool certificate", "pool speech"):
        assert row in run.output


def test_a_member_that_loses_its_power_is_done_without(boxes: tuple[Box, Box, Box], speech: bytes):
    gate, one, _ = boxes
    with tunnel(gate, 2024) as url:
        load = Load(url, speech, rate=1)
        with load.at_work():
            time.sleep(5)
            one.kill()
            time.sleep(10)
            assert [m["state"] for m in health(gate)["pool"]["members"]] == ["down", "up"]
            one.start()
            time.sleep(10)
    print(load)
    assert not load.failed


class Watch:
    """The states of a pool's members, looked at again and again."""

    def __init__(self, url: str) -> None:
        self.seen: list[tuple[str, ...]] = []
        self._url = url
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.2):
            members = requests.get(f"{self._url}/health", timeout=10).json()["pool"]["members"]
            self.seen.append(tuple(member["state"] for member in members))


def test_members_are_upgraded_one_after_another_and_nothing_is_lost(
    boxes: tuple[Box, Box, Box], inventory: Path, speech: bytes
):
    gate, *_ = boxes
    with tunnel(gate, 2024) as url:
        load = Load(url, speech, rate=1)
        with Watch(url) as watch, load.at_work():
            run = deployed(*boxes, inventory=inventory, whisper_port=2122)
    print(load)
    assert any("one member after another" in name for name in run.changed)
    assert not load.failed
    assert {("drained", "up"), ("up", "drained")} <= set(watch.seen)
    assert all("up" in states for states in watch.seen), set(watch.seen)


def test_a_configuration_that_haproxy_refuses_leaves_the_old_one_serving(
    boxes: tuple[Box, Box, Box], inventory: Path, speech: bytes
):
    gate, *_ = boxes
    before = gate.run(f"readlink {POOL}/current").stdout
    run = deploy(*boxes, inventory=inventory, pool_address="no-such-machine.lan")
    assert run.status != 0
    assert gate.run(f"readlink {POOL}/current").stdout == before
    with tunnel(gate, 2024) as url:
        assert requests.get(f"{url}/health", timeout=10).json()["status"] == "ok"


def test_all_of_it_is_removed(boxes: tuple[Box, Box, Box], inventory: Path):
    gate, *_ = boxes
    deployed(gate, inventory=inventory, file="tasks/uninstall.py")
    assert gate.run(f"test -e {POOL}", check=False).returncode != 0
    for unit in POOL_UNITS:
        assert gate.run(f"{SYSTEMCTL} cat {unit}", check=False).returncode != 0
