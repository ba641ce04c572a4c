"""Generations on a real file system: written, listed, switched to and rolled back; killed too."""

import json
import re
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.generations import candidate, fingerprint, manifest
from tests.operations.scripts import Machine, machine, write
from voicemode_whisper.core.generations import PARTS, Generation, Generations, parse_generations
from voicemode_whisper.core.layout import (
    PROXY_SOCKET,
    PROXY_UNIT,
    SERVER_UNIT,
    UNITS,
    WYOMING_UNIT,
)
from voicemode_whisper.core.services import parse_service_state, plan_activation
from voicemode_whisper.resources import TEMPLATES

KNOWN_PATHS = {
    "whisper.cpp/build": "../current/build",
    "whisper-proxy": "current/proxy",
    "whisper-proxy-venv": "current/venv",
}


@pytest.fixture(params=[True, False], ids=["exchange", "no exchange"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return machine(tmp_path / "it's home", exchange=request.param)


@pytest.fixture
def one(tmp_path: Path) -> Machine:
    return machine(tmp_path / "home")


def make_parts(box: Machine, made: dict[str, Any]) -> None:
    """The parts of a generation, as builds and downloads leave them."""
    names = ("build", "proxy", "venv", "model")
    build, proxy, venv, model = (box.services / made["parts"][name] for name in names)
    write(build / "bin/whisper-server", build.name)
    write(proxy / "whisper_proxy/__main__.py", proxy.name)
    venv.joinpath("bin").mkdir(parents=True, exist_ok=True)
    if not (venv / "bin/python").exists():
        (venv / "bin/python").symlink_to(sys.executable)
    write(model, "a model")


def texts(made: dict[str, Any]) -> list[str]:
    files = {
        "server.env": f"SERVICE_REVISION={made['revisions']['server']}\n",
        "proxy.env": f"SERVICE_REVISION={made['revisions']['proxy']}\n",
        **{f"units/{unit}": f"# {unit}, listens at {made['listen']}\n" for unit in UNITS},
        "manifest.json": json.dumps(made, indent=2) + "\n",
    }
    return [word for pair in files.items() for word in pair]


def arguments(box: Machine, made: dict[str, Any]) -> tuple[object, ...]:
    parts = [made["parts"].get(name, "") for name in PARTS]
    return (box.services, made["number"], *parts, *texts(made))


def have(box: Machine, number: int, status: str = "confirmed", **changes: Any) -> dict[str, Any]:
    """Write a generation, with its parts."""
    made = manifest(number, status, **changes)
    make_parts(box, made)
    box.run("write-generation", *arguments(box, made))
    return made


def listed(box: Machine) -> Generations:
    return parse_generations(box.run("list-generations", box.services))


def activate(box: Machine, number: int, *restarts: str) -> list[str]:
    """Activate a generation; what systemctl was told."""
    assert box.told is not None
    box.run("activate-generation", box.services, box.units, number, *restarts)
    return box.told


def by_hand(box: Machine, mark: str = "by hand") -> None:
    """The known paths and units as the guide has them: directories of the user's."""
    for known in KNOWN_PATHS:
        path = box.services / known
        path.unlink(missing_ok=True)
    write(box.services / "whisper.cpp/build/bin/whisper-server", mark)
    write(box.services / "whisper-proxy/proxy.py", mark)
    write(box.services / "whisper-proxy-venv/bin/uvicorn", mark)
    for unit in (SERVER_UNIT, PROXY_UNIT):
        write(box.units / unit, f"{mark}: {unit}", 0o644)
    (box.units / PROXY_SOCKET).unlink(missing_ok=True)


def adopted(box: Machine) -> None:
    """Generation 1 is what was set up by hand."""
    by_hand(box)
    parts = [f"{known}.by-hand" for known in KNOWN_PATHS]
    made = manifest(1, adopted="2026-11-22", socket=False)
    names = dict(zip(("build", "proxy", "venv"), parts, strict=True))
    made["parts"] = {**names, "model": ""}
    box.run("adopt-setup", box.services, box.units, *parts, "", json.dumps(made))


def texts_of_units(directory: Path) -> dict[str, str]:
    """What systemd would read of the units in a directory."""
    there = [unit for unit in UNITS if (directory / unit).exists()]
    return {unit: (directory / unit).read_text() for unit in there}


PRELOADED = "./request-path.so"
# Prints its last argument, and what every user of the machine sees of all.
SERVER = """
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **arguments) {
    char seen[1000];
    puts(arguments[count - 1]);
    fflush(stdout);
    write(1, seen, read(open("/proc/self/cmdline", O_RDONLY), seen, sizeof seen));
}
"""


def served_path(home: Path, pattern: str, *before: str) -> str:
    """What a whisper-server that is started as the unit does finds as the argument `pattern`."""
    program = home / "whisper-server"
    compiler = ["cc", "-x", "c", "-w", "-o", str(program), "-"]
    subprocess.run(compiler, input=SERVER, text=True, check=True)
    command, environment = [*before, program, "--request-path", pattern], {"LD_PRELOAD": PRELOADED}
    done = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=True
    )
    path, _, seen = done.stdout.partition("\n")
    assert seen.split("\0")[-2] == pattern
    return path


class TestRequestPath:
    """Each generation has a secret, which only its own whisper-server and proxy know."""

    @pytest.fixture
    def home(self, one: Machine) -> Path:
        self.write(one, 1)
        return one.services / "generations/1"

    def write(self, one: Machine, number: int) -> None:
        made = manifest(number, "candidate")
        source = (TEMPLATES / "request-path.c.j2").read_text()
        one.run("write-generation", *arguments(one, made), "request-path.c", source)

    def test_the_server_gets_it_and_its_command_line_does_not(self, home: Path):
        secret = (home / "request-path").read_text().strip()
        assert re.fullmatch("/[0-9a-f]{32}", secret)
        assert served_path(home, "(@request-path|(?=/x$))") == f"({secret}|(?=/x$))"

    def test_what_starts_the_server_does_not_tell_it(self, home: Path):
        secret = (home / "request-path").read_text().strip()
        assert served_path(home, "@request-path", "/usr/bin/env") == secret

    def test_only_its_user_can_read_it(self, home: Path):
        assert (home / "request-path").stat().st_mode & 0o777 == 0o600

    def test_without_it_no_path_begins_with_a_slash(self, home: Path):
        (home / "request-path").unlink()
        assert served_path(home, "(@request-path|(?=/x$))") == "(@request-path|(?=/x$))"

    def test_a_proxy_from_before_there_were_any_finishes_first(self, one: Machine):
        have(one, 1)
        activate(one, 1)
        self.write(one, 2)
        self.write(one, 3)
        make_parts(one, manifest(2))
        stop = f"stop {PROXY_UNIT}"
        told = activate(one, 2, "server", "proxy")
        assert told.index(stop) < told.index(f"restart {SERVER_UNIT}")
        for number in (3, 2, 1):
            assert stop not in activate(one, number, "server", "proxy")

    def test_it_is_new_with_every_generation(self, one: Machine, home: Path):
        self.write(one, 2)
        other = one.services / "generations/2/request-path"
        assert other.read_text() != (home / "request-path").read_text()


class TestWritten:
    def test_a_generation_is_all_that_fits_together(self, box: Machine):
        made = have(box, 1)
        home = box.services / "generations/1"
        assert (home / "build/bin/whisper-server").read_text().startswith("v1.9.1-")
        assert (home / "model").read_text() == "a model"
        assert (home / "proxy/whisper_proxy/__main__.py").exists()
        assert (home / "venv/bin/python").exists()
        assert json.loads((home / "manifest.json").read_text()) == made
        assert {path.name for path in (home / "units").iterdir()} == set(UNITS)

    def test_what_is_written_is_read_again(self, one: Machine):
        made = [have(one, number) for number in (9, 10, 2)]
        (one.services / "current").symlink_to("generations/10")
        found = listed(one)
        assert [one.number for one in found.all] == [2, 9, 10]
        assert found.serving == Generation.of(made[1])
        assert found.serving.manifest == made[1]
        assert set(found.own()) == {
            *(f"generations/{number}" for number in (2, 9, 10)),
            *(part for one in made for part in list(one["parts"].values())[:3]),
        }
        assert found.models == ()

    def test_what_a_comparison_left_is_listed(self, one: Machine):
        have(one, 1)
        (one.services / "comparison").mkdir()
        assert "comparison" in listed(one).own()

    def test_one_that_only_is_remembered_has_no_parts(self, one: Machine):
        made = manifest(2, "rejected")
        words = ("manifest.json", json.dumps(made))
        one.run("write-generation", one.services, 2, "", "", "", "", "", *words)
        assert listed(one).all == (Generation.of(made),)
        names = {path.name for path in (one.services / "generations/2").iterdir()}
        assert names == {"units", "manifest.json"}

    def test_killed_at_any_point_it_leaves_nothing_that_counts(self, one: Machine):
        made = manifest(2, "candidate")
        have(one, 1)
        make_parts(one, made)
        for last in count(1):
            killed = one.kill(last, "write-generation", *arguments(one, made))
            found = listed(one)
            assert [one.number for one in found.all] == ([1] if killed else [1, 2])
            assert found.next_number == (2 if killed else 3)
            left = {"generations/2.new"} & set(found.versions)
            assert left <= set(found.surplus())
            if not killed:
                break
        assert last > 5
        assert found.all[1] == candidate(2)

    def test_half_a_manifest_does_not_count(self, one: Machine):
        have(one, 1)
        write(one.services / "generations/2.new/manifest.json", '{"number": 2, "stat')
        write(one.services / "generations/3/server.env", "")
        write(one.services / "generations/mine/manifest.json", "{}")
        assert [one.number for one in listed(one).all] == [1]

    def test_before_anything_is_there_nothing_is_listed(self, one: Machine):
        shutil.rmtree(one.services)
        assert listed(one) == Generations()

    def test_a_downloaded_model_is_told_from_one_of_the_user_s(self, one: Machine):
        models = one.services / "whisper.cpp/models"
        for name in ("a.bin", "b.bin"):
            write(models / name, name)
        one.run("stamp", models / "a.bin", "a" * 64, "downloaded")
        one.run("stamp", models / "b.bin", "b" * 64)
        one.run("stamp", models / "a.bin", "a" * 64)
        assert listed(one).models == ("whisper.cpp/models/a.bin",)


class TestSwitched:
    def test_all_known_paths_and_units_are_the_generation_s(self, box: Machine):
        made = have(box, 1)
        told = activate(box, 1, "server", "socket", "proxy", "wyoming")
        for known, target in KNOWN_PATHS.items():
            assert (box.services / known).readlink() == Path(target)
        server = box.services / "whisper.cpp/build/bin/whisper-server"
        assert server.read_text() == f"v1.9.1-{fingerprint(1)}"
        for unit in UNITS:
            assert (box.units / unit).read_text().endswith(f"{made['listen']}\n")
        assert told == [
            "daemon-reload",
            f"-q enable {SERVER_UNIT}",
            f"-q enable {PROXY_UNIT}",
            f"-q enable {PROXY_SOCKET}",
            f"-q enable {WYOMING_UNIT}",
            f"restart {SERVER_UNIT}",
            f"stop {PROXY_UNIT} {PROXY_SOCKET}",
            f"--no-block start {PROXY_SOCKET}",
            f"--no-block restart {PROXY_UNIT}",
            f"restart {WYOMING_UNIT}",
        ]

    def test_a_server_that_was_idle_is_restarted_only_if_it_runs_again(self, box: Machine):
        have(box, 1)
        told = activate(box, 1, "server-if-running", "proxy")
        assert told[-2:] == [f"try-restart {SERVER_UNIT}", f"--no-block restart {PROXY_UNIT}"]

    def test_twice_is_as_once(self, box: Machine):
        have(box, 1)
        activate(box, 1)
        before = box.tree()
        assert not [line for line in activate(box, 1) if "restart" in line]
        assert box.tree() == before

    def test_there_and_back_is_as_before(self, box: Machine):
        have(box, 1)
        have(box, 2)
        activate(box, 1)
        before = box.tree()
        activate(box, 2)
        assert (
            "v1.9.1-" + fingerprint(2)
            == (box.services / "whisper.cpp/build/bin/whisper-server").read_text()
        )
        activate(box, 1)
        assert box.tree() == before

    def test_what_was_made_by_hand_is_kept(self, box: Machine):
        by_hand(box)
        have(box, 2)
        activate(box, 2)
        assert (
            box.services / "whisper.cpp/build.by-hand/bin/whisper-server"
        ).read_text() == "by hand"
        assert (box.services / "whisper-proxy.by-hand/proxy.py").read_text() == "by hand"
        assert (box.services / "whisper-proxy-venv.by-hand/bin/uvicorn").read_text() == "by hand"

    def test_what_is_made_by_hand_again_is_kept_too(self, box: Machine):
        have(box, 2)
        for mark in ("one", "two", "three"):
            by_hand(box, mark)
            activate(box, 2)
        kept = [box.services / f"whisper.cpp/build.by-hand{n}" for n in ("", ".~1~", ".~2~")]
        found = [(path / "bin/whisper-server").read_text() for path in kept]
        assert found == ["one", "two", "three"]

    def test_a_link_of_the_user_s_is_kept_too(self, box: Machine):
        have(box, 2)
        (box.services / "whisper.cpp/build").symlink_to("build-vulkan")
        activate(box, 2)
        kept = box.services / "whisper.cpp/build.by-hand"
        assert kept.readlink() == Path("build-vulkan")

    @pytest.mark.parametrize("before", [f"build-v1.9.1-{fingerprint(1)}", "build.by-hand"])
    def test_links_of_the_earlier_layout_are_replaced(self, box: Machine, before: str):
        have(box, 2)
        (box.services / "whisper.cpp/build").symlink_to(before)
        activate(box, 2)
        assert not (box.services / "whisper.cpp/build.by-hand").is_symlink()

    def test_back_by_hand_there_is_no_socket(self, box: Machine):
        adopted(box)
        have(box, 2)
        activate(box, 2)
        told = activate(box, 1, "server", "proxy")
        gone = (PROXY_SOCKET, WYOMING_UNIT)
        assert told[:4] == [f"{do} {unit}" for do in ("-q disable", "stop") for unit in gone]
        assert not [unit for unit in gone if (box.units / unit).exists()]
        assert (box.units / SERVER_UNIT).read_text() == f"by hand: {SERVER_UNIT}"
        server = box.services / "whisper.cpp/build/bin/whisper-server"
        assert server.read_text() == "by hand"

    @pytest.mark.parametrize("target", [2, 1], ids=["forwards", "back"])
    def test_killed_at_any_point_it_is_finished_by_the_next_run(self, tmp_path: Path, target: int):
        before = self.before_a_switch(tmp_path / "before", target)
        whole = before.copy(tmp_path / "whole")
        activate(whole, target)
        for last in count(1):
            box = before.copy(tmp_path / str(last))
            words = ("activate-generation", box.services, box.units, target)
            killed = box.kill(last, *words)
            # Whatever is named can be started at any time: by systemd, or after a power cut.
            server = box.services / "whisper.cpp/build/bin/whisper-server"
            assert server.read_text() in ("by hand", f"v1.9.1-{fingerprint(2)}")
            assert texts_of_units(box.units) == texts_of_units(box.services / "current/units")
            box.run(*words)
            assert box.tree() == whole.tree(), f"killed before command {last}"
            if not killed:
                break
        assert last > 10

    @staticmethod
    def before_a_switch(home: Path, target: int) -> Machine:
        """A machine that was set up by hand, before it is upgraded or after."""
        box = machine(home)
        adopted(box)
        have(box, 2)
        if target == 1:
            activate(box, 2)
        return box


class TestServiceState:
    def test_what_a_switch_is_for_is_seen_and_then_done(self, one: Machine):
        made = have(one, 1)
        ask = ("service-state", one.services, one.units, 1)
        before = parse_service_state(one.run(*ask))
        assert before.links == tuple(KNOWN_PATHS)
        assert before.differing == UNITS
        build = made["parts"]["build"]
        assert before.programs == {
            SERVER_UNIT: str((one.services / build / "bin/whisper-server").resolve()),
            PROXY_UNIT: str(Path(sys.executable).resolve()),
        }
        activate(one, 1)
        after = parse_service_state(one.run(*ask))
        assert (after.links, after.differing) == ((), ())
        assert set(after.units) == set(UNITS)

    def test_a_unit_that_the_generation_has_not_differs(self, one: Machine):
        adopted(one)
        write(one.units / PROXY_SOCKET, "")
        found = parse_service_state(one.run("service-state", one.services, one.units, 1))
        assert found.differing == (PROXY_SOCKET,)

    def test_the_program_of_a_process_that_is_just_being_started_is_awaited(self, one: Machine):
        executor = one.home / "systemd/systemd-executor"
        executor.parent.mkdir()
        shutil.copy("/bin/sh", executor)
        have(one, 1)
        with subprocess.Popen([executor, "-c", "sleep 0.3; exec sleep 60"]) as process:
            write(one.home / "pids" / SERVER_UNIT, str(process.pid))
            found = parse_service_state(one.run("service-state", one.services, one.units, 1))
            process.kill()
        assert found.units[SERVER_UNIT].program == str(Path("/bin/sleep").resolve())

    def test_a_switch_of_units_that_was_cut_off_is_seen(self, one: Machine):
        have(one, 1)
        activate(one, 1)
        unit = one.units / PROXY_UNIT
        unit.unlink()
        unit.symlink_to(one.services / "current/units" / PROXY_UNIT)
        ask = ("service-state", one.services, one.units, 1)
        assert parse_service_state(one.run(*ask)).differing == (PROXY_UNIT,)
        activate(one, 1)
        assert not unit.is_symlink()
        assert parse_service_state(one.run(*ask)).differing == ()

    def test_what_has_lost_its_build_is_to_be_restarted(self, one: Machine):
        made = have(one, 1)
        activate(one, 1)
        shutil.rmtree(one.services / made["parts"]["build"])
        found = parse_service_state(one.run("service-state", one.services, one.units, 1))
        assert found.programs[SERVER_UNIT] == ""
        assert "server" in plan_activation(Generation.of(made), True, found).restarts


class TestRemoved:
    def test_what_nothing_needs_goes_and_its_size_is_said(self, one: Machine):
        write(one.services / "generations/1/x", "x" * 3_000_000)
        write(one.services / "whisper.cpp/models/a b.bin", "")
        write(one.services / "whisper.cpp/models/a b.bin.sha256", "")
        said = one.run(
            "remove-versions", one.services, "generations/1", "whisper.cpp/models/a b.bin"
        )
        assert said in (["3 MB freed"], ["4 MB freed"])
        assert list((one.services / "whisper.cpp/models").iterdir()) == []
        assert not (one.services / "generations/1").exists()

    def test_an_uninstall_puts_back_what_was_made_by_hand(self, box: Machine):
        adopted(box)
        before = {name: text for name, text in box.tree().items() if "/units/" not in name}
        have(box, 2)
        activate(box, 2)
        (box.services / "lock").touch()
        box.run("remove-setup", box.services, *listed(box).own())
        left = {name: text for name, text in box.tree().items() if "models" not in name}
        kept = {name: text for name, text in before.items() if "generations" not in name}
        kept.pop("services/current")
        assert {name for name in left if name.startswith("services")} == {
            name for name in kept if name.startswith("services")
        }

    def test_an_uninstall_that_was_killed_is_finished(self, tmp_path: Path):
        before = self.before_an_uninstall(tmp_path / "before")
        whole = before.copy(tmp_path / "whole")
        whole.run("remove-setup", whole.services, *listed(whole).own())
        assert (whole.services / "whisper.cpp/build").readlink() == Path("build-vulkan")
        assert (whole.services / "whisper-proxy").readlink() == Path("/not/there/any/more")
        for last in count(1):
            box = before.copy(tmp_path / str(last))
            words = ("remove-setup", box.services, *listed(box).own())
            killed = box.kill(last, *words)
            box.run(*words)
            assert box.tree() == whole.tree(), f"killed before command {last}"
            if not killed:
                break
        assert last > 5

    @staticmethod
    def before_an_uninstall(home: Path) -> Machine:
        box = machine(home)
        write(box.services / "whisper.cpp/build-vulkan/bin/whisper-server", "by hand")
        (box.services / "whisper.cpp/build").symlink_to("build-vulkan")
        (box.services / "whisper-proxy").symlink_to("/not/there/any/more")
        write(box.services / "whisper-proxy-venv/bin/uvicorn", "by hand")
        have(box, 1)
        activate(box, 1)
        return box


def test_a_build_that_failed_in_service_is_known_the_next_night(one: Machine):
    """Every night anew it would serve for as long as it takes to see that it does not work."""
    have(one, 1)
    activate(one, 1)
    made = have(one, 2, "candidate")
    activate(one, 2)
    assert listed(one).rejection(fingerprint(2)) is None
    ended = Generation.of(made).ended("rejected", "2026-11-22", "it was silent")
    one.run("write", one.services / "generations/2/manifest.json", json.dumps(ended))
    activate(one, 1)
    found = listed(one)
    assert found.current == 1
    assert found.rejection(fingerprint(2)) == Generation.of(ended)
    assert found.reusable(fingerprint(2)) is None
    # Its parts stay, so that trying it again builds nothing.
    assert found.surplus() == []
