"""What the shell makes of a card's files in sysfs.

There is no AMD card here. Files of the names and the format that the kernel's have
(docs.kernel.org/gpu/amdgpu/thermal.html) stand in for its.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.facts.answers import answer, program
from voicemode_whisper.core.power import Power
from voicemode_whisper.facts.power import GpuPower, UnservedPower
from voicemode_whisper.facts.speech import Transcript
from voicemode_whisper.scripts import words

ADDRESS = "0000:03:00.0"


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """The directory of an idle card."""
    made = tmp_path / ADDRESS
    (made / "hwmon/hwmon3").mkdir(parents=True)
    tell(made, "power1_average", 12_000_000)
    tell(made, "", 1)
    return made


def tell(device: Path, watts_file: str, number: int) -> None:
    """Have the kernel say a number, of watts or of how busy the card is."""
    path = device / "hwmon/hwmon3" / watts_file if watts_file else device / "gpu_busy_percent"
    path.write_text(f"{number}\n")


def power(device: Path) -> Power:
    found: Power = answer(GpuPower, device=str(device))
    return found


def test_watts_and_load_are_the_kernel_s(device: Path):
    assert power(device) == Power(12, 1)


def test_some_cards_have_their_watts_in_another_file(device: Path):
    (device / "hwmon/hwmon3/power1_average").unlink()
    tell(device, "power1_input", 13_000_000)
    assert power(device) == Power(13, 1)


def test_what_the_kernel_does_not_say_is_not_known(device: Path):
    (device / "hwmon/hwmon3/power1_average").unlink()
    assert power(device) == Power(None, 1)
    (device / "gpu_busy_percent").unlink()
    assert power(device) == Power()


def test_of_a_gpu_that_is_not_there_nothing_is_known(device: Path):
    assert power(device.parent / "0000:04:00.0") == Power()
    assert answer(GpuPower, device="") == Power()


# Goes through the percentages of a card, one for each time that it is asked.
NEXT = """\
read -r now rest < "$0.left"; printf '%s\\n' "$rest" > "$0.left"; echo "$now"
"""


def test_it_is_the_median_of_five(device: Path, tmp_path: Path):
    """A `cat` that has another answer each time: a card that works for a moment in between."""
    bin = tmp_path / "bin"
    program(bin, "cat", f'case $1 in *busy*) {NEXT} ;; *) exec /bin/cat "$@" ;; esac')
    (bin / "cat.left").write_text("3 99 0 2 98\n")
    assert answer(GpuPower, programs=bin, device=str(device)) == Power(12, 3)


def test_nothing_is_measured_while_a_whisper_server_runs(device: Path, tmp_path: Path):
    bin = tmp_path / "bin"
    program(bin, "pgrep", f'[ "$*" = "-x whisper-server" ] && exec {sys.executable} -c ""')
    assert answer(UnservedPower, programs=bin, device=str(device)) == Power()
    program(bin, "pgrep", "exit 1")
    assert answer(UnservedPower, programs=bin, device=str(device)) == Power(12, 1)


def load(device: Path, command: str) -> list[str]:
    done = subprocess.run(
        words("gpu-load", str(device), command), capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_the_load_is_the_most_that_was_seen_while_something_ran(device: Path):
    busy, watts = shlex.quote(f"{device}/gpu_busy_percent"), f"{device}/hwmon/hwmon3/power1_average"
    work = f"echo 97 > {busy}; echo 182000000 > {watts}; sleep 1"
    rest = f"echo 3 > {busy}; echo 60000000 > {watts}; sleep 0.5; echo done"
    assert load(device, f"{work}; {rest}") == ["done", "", "### load 182000000 97"]


def test_a_load_that_the_kernel_does_not_say_is_not_known(device: Path):
    (device / "gpu_busy_percent").unlink()
    (device / "hwmon/hwmon3/power1_average").unlink()
    assert load(device, "sleep 0.3; exit 3") == ["", "### load - -"]


def test_a_transcription_is_asked_for_as_ever_while_the_load_is_measured(
    device: Path, tmp_path: Path
):
    program(tmp_path / "bin", "curl", f"echo 97 > {device}/gpu_busy_percent; cat; sleep 0.5\n"
            "printf ' And so\\n0.51'")  # fmt: skip
    (tmp_path / "key").write_text("secret")
    found = answer(
        Transcript, programs=tmp_path / "bin", url="http://x", sample="/h/it's.wav",
        api_key_file=str(tmp_path / "key"), device=str(device),
    )  # fmt: skip
    assert found.text == "Authorization: Bearer secret And so"
    assert (found.seconds, found.load) == (0.51, Power(12, 97))
