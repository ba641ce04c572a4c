"""within.sh for real: what takes too long is ended, but for the time that others take."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.facts.answers import program
from voicemode_whisper import scripts

SCRIPT = Path(scripts.__file__).with_name("within.sh")
PRESSURE = Path("/proc/pressure/cpu")


def within(
    command: str, limit: int, pressure: Path = PRESSURE, programs: Path | None = None
) -> tuple[int, float]:
    """The status of a command, and the seconds that it had."""
    sourced = SCRIPT.read_text().replace(str(PRESSURE), str(pressure))
    path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    began = time.monotonic()
    done = subprocess.run(
        ["sh", "-c", f"{sourced}\nwithin {limit} {command}"],
        timeout=60, env={**os.environ, "PATH": path},
    )  # fmt: skip
    return done.returncode, time.monotonic() - began


@pytest.mark.parametrize("status", [0, 3])
def test_what_ends_in_time_has_its_own_status(status: int):
    assert within(f"sh -c 'exit {status}'", limit=20)[0] == status


def test_what_does_not_end_is_ended(tmp_path: Path):
    status, seconds = within("sleep 20", limit=1, pressure=tmp_path / "none")
    assert status == 124
    assert 1 <= seconds < 10


def test_what_is_killed_by_another_has_that_status():
    assert within("sh -c 'kill -9 $$'", limit=20)[0] == 137


def test_the_time_in_which_programs_wait_for_a_processor_does_not_count(tmp_path: Path):
    """Where four seconds were so in the first one."""
    pressure = tmp_path / "cpu"
    pressure.write_text("some avg10=99.00 avg60=99.00 avg300=99.00 total=0\nfull total=0\n")
    later = "sleep 0.5; sed -i s/total=0/total=4000000/ " + str(pressure)
    with subprocess.Popen(["sh", "-c", later]):
        status, seconds = within("sleep 3", limit=1, pressure=pressure)
    assert status == 0
    assert seconds >= 3


def test_an_hour_is_the_end(tmp_path: Path):
    """With a timeout(1) that is over at once, as if others had taken all of that time."""
    pressure, count = tmp_path / "cpu", tmp_path / "count"
    pressure.write_text("some total=0\n")
    count.write_text("0")
    add = (
        f"n=$(($(cat {count}) + $1)); echo $n > {count}; echo some total=${{n}}000000 > {pressure}"
    )
    program(tmp_path, "timeout", f"{add}; exit 124")
    status, _ = within("sleep 20", limit=300, pressure=pressure, programs=tmp_path)
    assert (status, count.read_text().strip()) == (124, "3600")
