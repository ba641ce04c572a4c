"""First deploys, runs with nothing to do and doctors of many machines at once, beside Ansible.

The machines are test boxes. After the first deploys all are made from a snapshot of one, in whose
build stands a fake whisper-server that answers at once (tests/machines/timed_whisper.c): what is
measured is the deploy.
"""

import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import boxes
from tests.boxes import Box, ssh
from tests.clients import installed
from tests.machines import timed_whisper
from tests.machines.deploying import command, raise_boxes
from voicemode_whisper.core.build import BACKEND_PACKAGES

from .command import say
from .machine import described
from .processes import BenchError
from .verdicts import Measured, Spent, recap, table, typical

HERE = Path(__file__).parent
ROOT = HERE.parent
SERVICES = "/home/ada/.voicemode/services"
INSTANT = "instant"
# How many machines are measured unless said, and how many have a name here.
MACHINES, MOST = 25, 99
RUNS = 3
NOTES = f"""\
Each figure is the median of {RUNS} runs, but for the first deploys, of which there is one each. All
machines are test boxes on this one, which does their work too: of a first deploy that is to install
packages, to compile with ccache and to transcribe on the CPU. After those whisper-server is a fake
that answers at once. CPU here is that of pyinfra and of Ansible
with their children, but for ssh processes of Ansible's that stay; CPU of all has the boxes' too.
Ansible has as many forks as machines, pipelining and the least of facts, and makes ten of the
checks (machines.yml); each of its runs, as each of pyinfra's, connects anew."""


@dataclass(frozen=True)
class Fleet:
    """Boxes that nothing is to be done to, and what Ansible is to be told of them."""

    boxes: Sequence[Box]
    variables: dict[str, Any]
    first_alone: Spent
    first: Spent


def report(count: int, temporary: Path) -> str:
    """Raise that many machines, measure, and return the table."""
    machine = described()
    with _raised(count) as fleet:
        measured = _measure(fleet, temporary)
    return f"{table(measured)}\n\n{machine}.\n{NOTES}"


@contextmanager
def _raised(count: int) -> Iterator[Fleet]:
    """The boxes, which are gone when this ends."""
    names = [f"m{number:02}" for number in range(count)]
    try:
        with raise_boxes(names[0]) as (box,):
            say("the first deploy of one machine")
            alone = _first_deploy([box])
            timed_whisper.put(box)
            variables = _variables(box)
            box.save(INSTANT)
        with raise_boxes(*names) as fresh:
            say(f"the first deploy of {count} machines at once")
            first = _first_deploy(fresh)
        with raise_boxes(*names, base=INSTANT) as some:
            yield Fleet(some, variables, alone, first)
    except boxes.BoxError as error:
        raise BenchError(str(error)) from error
    finally:
        boxes.rest()


def _first_deploy(some: Sequence[Box]) -> Spent:
    return spent(command(*some), lambda _: None)


def _variables(box: Box) -> dict[str, Any]:
    """What the playbook compares a box with, as the generation that serves has it."""
    manifest = json.loads(box.run(f"cat {SERVICES}/current/manifest.json").stdout)
    return {
        "services": SERVICES,
        "packages": BACKEND_PACKAGES["cpu"],
        "commit": manifest["release"]["commit"],
        "uid": int(box.run("id -u").stdout),
        "unit": box.run("cat ~/.config/systemd/user/voicemode-whisper.service").stdout,
        **{name: manifest["parts"][name] for name in ("build", "venv", "model")},
    }


def _measure(fleet: Fleet, temporary: Path) -> Measured:
    one, many = fleet.boxes[:1], fleet.boxes
    say(f"runs with nothing to do and doctors, of one machine and of {len(many)}, and Ansible")
    _no_op(many)  # the first after a boot finds cold caches
    found = [
        (_no_op(one), _no_op(many), _doctor(one), _doctor(many), _ansible(fleet, temporary))
        for _ in range(RUNS)
    ]
    alone, no_op, doctor_alone, doctor, ansible = map(typical, zip(*found, strict=True))
    return Measured(
        count=len(many),
        first=fleet.first,
        no_op=no_op,
        doctor=doctor,
        first_one=fleet.first_alone,
        one=alone,
        one_doctor=doctor_alone,
        ansible=ansible,
    )


def _no_op(some: Sequence[Box]) -> Spent:
    def check(said: str) -> str | None:
        totals = json.loads(said)["results"]["totals"]
        return None if totals["success"] == totals["error"] == 0 else f"it changed some: {totals}"

    return spent(command(*some), check)


def _doctor(some: Sequence[Box]) -> Spent:
    return spent(command(*some, file="tasks/doctor.py"), lambda _: None)


def _ansible(fleet: Fleet, temporary: Path) -> Spent:
    def check(said: str) -> str | None:
        counts = recap(said)
        asked = [counts.get(box.name, {}) for box in fleet.boxes]
        # Ten checks, and the facts.
        whole = all(count.get("ok") == 11 and count.get("changed") == 0 for count in asked)
        return None if whole else f"Ansible says {said[-300:]!r}"

    directory = Path(tempfile.mkdtemp(dir=temporary))
    inventory = directory / "hosts"
    inventory.write_text(_inventory(fleet.boxes))
    variables = directory / "variables.json"
    variables.write_text(json.dumps(fleet.variables))
    playbook = installed.python("ansible").with_name("ansible-playbook")
    words = [playbook, "-i", inventory, "-e", f"@{variables}", HERE / "machines.yml"]
    settings = {
        "ANSIBLE_HOME": str(directory),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / "cp"),
        "ANSIBLE_FORKS": str(len(fleet.boxes)),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "LC_ALL": "C.UTF-8",
    }
    return spent([str(word) for word in words], check, settings)


def _inventory(some: Sequence[Box]) -> str:
    options = f"-F none -o UserKnownHostsFile={ssh.KNOWN_HOSTS} -o StrictHostKeyChecking=yes"
    hosts = (f"{box.name} ansible_host={box.address}" for box in some)
    data = (
        "[all:vars]", f"ansible_user={ssh.USER}", f"ansible_ssh_private_key_file={ssh.KEY}",
        f"ansible_ssh_common_args={shlex.quote(options)}",
    )  # fmt: skip
    return "\n".join([*hosts, *data, ""])


def spent(
    words: Sequence[str], check: Callable[[str], str | None], settings: dict[str, str] | None = None
) -> Spent:
    """What a command takes; BenchError where it fails, or `check` complains of what it prints."""
    begun, before = time.monotonic(), busy_seconds()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
            env={**os.environ, **(settings or {})},
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall, busy = time.monotonic() - begun, busy_seconds() - before
        said, complained = (_read(file) for file in (out, errors))
    problem = check(said) if process.returncode == 0 else f"status {process.returncode}"
    if problem:
        raise BenchError(f"{shlex.join(words)}: {problem}\n{complained[-2000:]}{said[-2000:]}")
    return Spent(wall, used.ru_utime + used.ru_stime, busy)


def busy_seconds() -> float:
    """Seconds of processors that this machine has worked since its start (proc_stat(5))."""
    _, *fields = Path("/proc/stat").read_text().partition("\n")[0].split()
    user, nice, system, _, _, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _read(file: Any) -> str:
    file.seek(0)
    text: str = file.read()
    return text
