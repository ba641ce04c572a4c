"""What was set up by hand, or by an earlier layout, becomes generation 1, however it is cut off."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.generations import fingerprint
from tests.operations.scripts import Machine, machine, write
from voicemode_whisper.core.generations import (
    EarlierSetup,
    Generation,
    parse_earlier_setup,
    parse_generations,
)
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT

BUILD = f"build-v1.9.1-{fingerprint(1)}"
OLD_BUILD = f"build-v1.9.0-{fingerprint(2)}"


@pytest.fixture
def by_hand(tmp_path: Path) -> Machine:
    """As the guide has it."""
    box = machine(tmp_path / "by-hand")
    write(box.services / "whisper.cpp/build/bin/whisper-server", "by hand")
    write(box.services / "whisper.cpp/models/ggml-small.en.bin", "a model")
    write(box.services / "whisper-proxy/proxy.py", "by hand")
    write(box.services / "whisper-proxy-venv/bin/uvicorn", "by hand")
    for unit in (SERVER_UNIT, PROXY_UNIT):
        write(box.units / unit, f"by hand: {unit}", 0o644)
    return box


@pytest.fixture
def deployed(tmp_path: Path) -> Machine:
    """As the layout before there were generations has it."""
    box = machine(tmp_path / "deployed")
    for build in (BUILD, OLD_BUILD):
        write(box.services / f"whisper.cpp/{build}/bin/whisper-server", build)
        write(box.services / f"whisper.cpp/{build}/manifest.json", "{}", 0o644)
    write(box.services / f"whisper.cpp/{BUILD}.partial/CMakeCache.txt", "")
    write(box.services / "whisper.cpp/build-vulkan/manifest.json", "by hand")
    write(box.services / "whisper.cpp/models/ggml-small.en.bin", "a model")
    for part in ("whisper-proxy", "whisper-proxy-venv"):
        write(box.services / f"{part}-{fingerprint(3)}/file", part)
        (box.services / part).symlink_to(f"{part}-{fingerprint(3)}")
    (box.services / "whisper.cpp/build").symlink_to(BUILD)
    for unit in (SERVER_UNIT, PROXY_UNIT, PROXY_SOCKET):
        write(box.units / unit, f"# Written by the deploy: {unit}", 0o644)
    return box


@pytest.fixture(params=["by_hand", "deployed"])
def box(request: pytest.FixtureRequest) -> Machine:
    found: Machine = request.getfixturevalue(request.param)
    return found


def described(box: Machine) -> EarlierSetup | None:
    lines = box.run("describe-setup", box.services, box.units)
    return parse_earlier_setup(lines) if lines else None


def words(box: Machine, earlier: EarlierSetup) -> tuple[object, ...]:
    parts = (earlier.build, earlier.proxy, earlier.venv, earlier.model)
    text = json.dumps(earlier.manifest("2026-11-22", transcribes=True))
    return ("adopt-setup", box.services, box.units, *parts, text)


def adopt(box: Machine) -> EarlierSetup:
    earlier = described(box)
    assert earlier is not None
    box.run(*words(box, earlier))
    return earlier


def serving(box: Machine) -> Generation:
    found = parse_generations(box.run("list-generations", box.services)).serving
    assert found is not None
    return found


def server(box: Machine) -> Path:
    return box.services / "whisper.cpp/build/bin/whisper-server"


def switch_and_back(box: Machine) -> None:
    """A second generation serves, and then the first again."""
    write(box.services / "generations/2/build/bin/whisper-server", "2")
    write(box.services / "generations/2/server.env", "")
    box.run("activate-generation", box.services, box.units, 2)
    assert server(box).read_text() == "2"
    box.run("activate-generation", box.services, box.units, 1)


def test_what_was_made_by_hand_is_described_by_the_names_that_it_will_be_kept_under(
    by_hand: Machine,
):
    assert described(by_hand) == EarlierSetup(
        build="whisper.cpp/build.by-hand",
        proxy="whisper-proxy.by-hand",
        venv="whisper-proxy-venv.by-hand",
    )


def test_the_earlier_layout_is_described_by_its_versions(deployed: Machine):
    assert described(deployed) == EarlierSetup(
        build=f"whisper.cpp/builds/v1.9.1-{fingerprint(1)}",
        proxy=f"whisper-proxy-{fingerprint(3)}",
        venv=f"whisper-proxy-venv-{fingerprint(3)}",
        socket=True,
    )


def test_where_nothing_was_set_up_there_is_nothing_to_describe(tmp_path: Path):
    box = machine(tmp_path / "home")
    assert described(box) is None
    write(box.services / "whisper.cpp/build/bin/whisper-server", "built, but no unit")
    assert described(box) is None
    shutil.rmtree(box.services)
    assert described(box) is None


def test_what_runs_is_left_as_it_is(box: Machine):
    before = box.tree()
    adopt(box)
    after = box.tree()
    assert {name: after.get(name) for name in before} == before
    assert all(told.startswith("show ") for told in box.told)
    assert described(box) is None


def test_generations_without_the_link_that_names_one_are_not_adopted_over(box: Machine):
    adopt(box)
    (box.services / "current").unlink()
    assert described(box), "an adoption that was cut off is done again"
    write(box.services / "generations/2/manifest.json", "{}")
    assert described(box) is None


def test_it_becomes_generation_1_with_its_units(box: Machine):
    adopt(box)
    found = serving(box)
    assert (found.number, found.status, found.adopted) == (1, "confirmed", True)
    units = box.services / "generations/1/units"
    assert {unit.name: unit.read_text() for unit in units.iterdir()} == {
        unit.name: unit.read_text() for unit in box.units.iterdir()
    }


def test_it_can_be_gone_back_to(box: Machine):
    before = server(box).read_text()
    units = {unit.name: unit.read_text() for unit in box.units.iterdir()}
    adopt(box)
    switch_and_back(box)
    assert server(box).read_text() == before
    assert {unit.name: unit.read_text() for unit in box.units.iterdir()} == units
    for part in ("build", "proxy", "venv"):
        assert (box.services / "generations/1" / part).is_dir()


def test_builds_of_the_earlier_layout_are_built_no_second_time(deployed: Machine):
    adopt(deployed)
    builds = deployed.services / "whisper.cpp/builds"
    assert {path.name for path in builds.iterdir()} == {
        f"v1.9.1-{fingerprint(1)}",
        f"v1.9.0-{fingerprint(2)}",
    }
    old = deployed.services / f"whisper.cpp/{BUILD}/bin/whisper-server"
    assert old.samefile(builds / f"v1.9.1-{fingerprint(1)}/bin/whisper-server")


def test_a_second_time_changes_nothing(box: Machine):
    earlier = adopt(box)
    before = box.tree()
    box.run(*words(box, earlier))
    assert box.tree() == before


def test_killed_at_any_point_it_is_finished_by_the_next_run(box: Machine, tmp_path: Path):
    whole = box.copy(tmp_path / "whole")
    earlier = adopt(whole)
    for last in count(1):
        cut = box.copy(tmp_path / str(last))
        killed = cut.kill(last, *words(cut, earlier))
        assert server(cut).exists()
        # The next run describes it anew, unless it is adopted already.
        left = described(cut)
        assert left in (None, earlier)
        if left:
            adopt(cut)
        assert cut.tree() == whole.tree(), f"killed before command {last}"
        if not killed:
            break
    assert last > 8


@pytest.mark.parametrize("target", ["build-vulkan", "/opt/whisper", "build-my-experimental"])
def test_a_link_that_was_made_by_hand_can_be_gone_back_to(
    by_hand: Machine, tmp_path: Path, target: str
):
    build = by_hand.services / "whisper.cpp/build"
    real = build.with_name(target) if target[0] != "/" else tmp_path / "opt"
    build.rename(real)
    build.symlink_to(target if target[0] != "/" else real)
    adopt(by_hand)
    switch_and_back(by_hand)
    assert server(by_hand).read_text() == "by hand"


def test_what_was_kept_by_hand_before_is_another(by_hand: Machine):
    write(by_hand.services / "whisper.cpp/build.by-hand/bin/whisper-server", "older")
    assert adopt(by_hand).build == "whisper.cpp/build.by-hand.~1~"
    switch_and_back(by_hand)
    assert server(by_hand).read_text() == "by hand"
    older = by_hand.services / "whisper.cpp/build.by-hand/bin/whisper-server"
    assert older.read_text() == "older"


PROGRAM = """
import socket, sys, time
dual = {address!r} == "::"
server = socket.create_server(({address!r}, 0), family=socket.AF_{family}, dualstack_ipv6=dual)
print(server.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.fixture(params=[("127.0.0.1", "INET"), ("0.0.0.0", "INET"), ("::", "INET6")])
def running(request: pytest.FixtureRequest, by_hand: Machine) -> Iterator[tuple[str, int, int]]:
    """A process that stands for both services: its address, port and number."""
    address, family = request.param
    if family == "INET6" and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    model = by_hand.services / "whisper.cpp/models/ggml-small.en.bin"
    program = PROGRAM.format(address=address, family=family)
    process = subprocess.Popen(
        [sys.executable, "-c", program, "--model", model], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "SERVICE_REVISION": "88b3c63de6be"},
    )  # fmt: skip
    assert process.stdout is not None
    port = int(process.stdout.readline())
    for unit in (SERVER_UNIT, PROXY_UNIT):
        write(by_hand.home / "pids" / unit, f"{process.pid}\n")
    yield (f"[{address}]" if ":" in address else address), port, process.pid
    process.kill()
    process.communicate()


def test_what_runs_says_itself_what_it_is(by_hand: Machine, running: tuple[str, int, int]):
    address, port, _ = running
    found = described(by_hand)
    assert found is not None
    assert found.model == "whisper.cpp/models/ggml-small.en.bin"
    assert found.server == found.listen == f"{address}:{port}"
    assert found.server_revision == found.proxy_revision == "88b3c63de6be"
    adopted = Generation.of(found.manifest("2026-11-22", transcribes=True))
    assert adopted.port == port
    assert adopted.proxy_url.endswith(f":{port}")
    assert adopted.label.endswith("with small.en")
