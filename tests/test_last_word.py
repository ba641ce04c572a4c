"""What a run over several hosts says at its end, through pyinfra's @fake connector.

The hosts are fakes, the run is pyinfra's own.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fake_hosts import inventory
from tests.generations import manifest

ROOT = Path(__file__).parents[1]
DEPLOY = """
from collections.abc import Generator
from pyinfra import host
from pyinfra.api import StringCommand
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.build import SmokeTests
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.generations import read_generations
from voicemode_whisper.operations.util.progress import with_progress
from voicemode_whisper.stage import stage

@operation()
def work() -> Generator[StringCommand]:
    read_generations(Layout("/home/ada"))
    lines = read_fact(host, Facts)
    if lines == ["raise"]:
        raise UserError("model: is not the one", "remove it")
    if lines == ["long"]:
        yield with_progress("long", "work")
        return
    if lines:
        yield StringCommand(*lines)
    else:
        host.noop("nothing")

class Facts(SmokeTests):
    def command(self) -> str:
        return "what to do"
    def process(self, output):
        return list(output)

@stage("First")
def first(host) -> None:
    if host.pyinfra.data.get("refused"):
        raise UserError("host: this is Debian 12", "reinstall")

@stage("Second")
def second(host) -> None:
    work(name="Work")

first()
second()
"""
SERVES = manifest(7, backend="cpu", release={"label": "v1.9.1", "commit": "a" * 40})
GENERATION = {"list-generations": ["current generations/7", f"manifest {json.dumps(SERVES)}"]}


def ran(tmp_path: Path, hosts: dict[str, Any], *options: str) -> tuple[int, str, list[str]]:
    """Run that deploy on fakes: exit status, stdout, and what is said after pyinfra's last step."""
    deploy = tmp_path / "deploy.py"
    deploy.write_text(DEPLOY)
    file = inventory(tmp_path, hosts)
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", *(options or ["-y"]), str(file), str(deploy)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    _, _, end = done.stderr.partition("--> Disconnecting from hosts...")
    return done.returncode, done.stdout, [line.strip() for line in end.splitlines() if line]


def without_seconds(lines: list[str]) -> list[list[str]]:
    return [[word for word in line.split() if not re.fullmatch(r"\d+\.\d", word)] for line in lines]


RAISES = {"what to do": ["raise"], "exit 1": {"success": False, "stderr": ["it is not the one"]}}
MIXED: dict[str, Any] = {
    "quiet": GENERATION,
    "busy": {"what to do": ["echo a"], **GENERATION},
    "raises": RAISES,
    "raises-too": {**RAISES, **GENERATION},
    "fails": {"what to do": ["ls /x"], "ls /x": {"success": False, "stderr": ["warned", "no /x"]}},
    "long": {
        "what to do": ["long"],
        "long work": {"success": False, "stdout": ["begun", "out of memory"]},
    },
}  # fmt: skip


def test_every_host_is_in_the_table_and_every_cause_is_told_once(tmp_path: Path):
    status, _, said = ran(tmp_path, MIXED)
    assert status == 1
    title, heading, *lines = said
    assert title == "--> Hosts:"
    assert heading.split() == ["host", "release", "backend", "device", "changed", "seconds"]
    rows, causes = lines[: len(MIXED)], lines[len(MIXED) :]
    assert without_seconds(rows) == [
        ["@fake/quiet", "v1.9.1", "CPU", "CPU", "-"],
        ["@fake/busy", "v1.9.1", "CPU", "CPU", "1"],
        ["@fake/raises", "-", "-", "-", "-", "failed"],
        ["@fake/raises-too", "v1.9.1", "CPU", "CPU", "-", "failed"],
        ["@fake/fails", "-", "-", "-", "-", "failed"],
        ["@fake/long", "-", "-", "-", "-", "failed"],
    ]
    assert causes == [
        "--> 4 of 6 hosts failed:",
        "@fake/raises, @fake/raises-too: model: is not the one",
        "@fake/fails: no /x",
        "@fake/long: out of memory",
    ]


def test_where_all_are_refused_before_the_run_that_is_the_last_word_too(tmp_path: Path):
    deploy, refused = {"a": {}, "b": {}}, ["-y", "--data", "refused=yes"]
    status, _, said = ran(tmp_path, deploy, *refused)
    assert status == 1
    assert "--> 2 of 2 hosts failed:" in said
    assert "@fake/a, @fake/b: host: this is Debian 12" in said


def test_one_host_has_no_table(tmp_path: Path):
    assert ran(tmp_path, {"a": GENERATION})[2] == []
    assert ran(tmp_path, {"a": GENERATION, "b": {}}, "-y", "--limit", "@fake/a")[2] == []


def test_a_plan_has_none_either(tmp_path: Path):
    assert ran(tmp_path, {"a": GENERATION, "b": {}}, "--dry")[2] == []


def test_json_stays_json_with_the_results_of_each_host(tmp_path: Path):
    _, stdout, said = ran(tmp_path, MIXED, "-y", "--json")
    results = json.loads(stdout)["results"]
    (work,) = [one for one in results["operations"] if one["name"] == "Second | Work"]
    assert work["success"] == ["@fake/busy"]
    assert work["no_change"] == ["@fake/quiet"]
    assert len(results["failed_hosts"]) == 4
    hosts = results["hosts"]
    assert list(hosts) == [f"@fake/{name}" for name in MIXED]
    assert all(isinstance(host.pop("seconds"), float) for host in hosts.values())
    served = {"release": "v1.9.1", "backend": "CPU", "device": "CPU"}
    assert hosts["@fake/busy"] == {**served, "changed": 1, "failed": False, "cause": None}
    unknown = dict.fromkeys(served)
    assert hosts["@fake/fails"] == {**unknown, "changed": 0, "failed": True, "cause": "no /x"}
    assert said[0] == "--> Hosts:"


def test_a_host_that_cannot_be_connected_to_is_in_it(tmp_path: Path):
    file = inventory(tmp_path, {"a": GENERATION, "b": {}})
    away = ("away", {"ssh_hostname": "127.0.0.1", "ssh_port": 1})
    file.write_text(f"{file.read_text()}\nhosts.append({away!r})")
    deploy = tmp_path / "deploy.py"
    deploy.write_text(DEPLOY)
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "-y", str(file), str(deploy)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "away: no connection, as told above" in done.stderr


@pytest.mark.parametrize("task", ["deploy.py", "tasks/doctor.py"])
def test_deploy_and_doctor_have_it(tmp_path: Path, task: str):
    """Of two hosts that answer nothing, which both refuse."""
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "-y", str(inventory(tmp_path, {"a": {}, "b": {}})), task],
        cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "@fake/a, @fake/b: host: it prints nothing when it is told to" in done.stderr
