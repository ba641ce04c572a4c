from pathlib import Path

import pytest
from whisper_proxy.gpu_sensors import read_sensors

FILES = {
    "hwmon/hwmon3/power1_average": "31000000\n",
    "power/runtime_status": "active\n",
    "gpu_busy_percent": "7\n",
    "mem_info_vram_used": "1073741824\n",
    "mem_info_vram_total": "17163091968\n",
}
NOTHING = dict.fromkeys(("watts", "busy", "memory_used", "memory_total"))


def card(folder: Path, files: dict[str, str]) -> Path:
    """A GPU's directory as amdgpu fills it, of which these files are looked at."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_what_a_card_says(tmp_path: Path) -> None:
    assert read_sensors(card(tmp_path, FILES)) == {
        "watts": 31.0,
        "busy": 7,
        "memory_used": 2**30,
        "memory_total": 17163091968,
    }


def test_some_say_their_power_under_another_name(tmp_path: Path) -> None:
    files = {"hwmon/hwmon0/power1_input": "95500000\n"}
    assert read_sensors(card(tmp_path, files)) == NOTHING | {"watts": 95.5}


def test_one_that_draws_nothing_says_so(tmp_path: Path) -> None:
    files = {"hwmon/hwmon0/power1_average": "0\n"}
    assert read_sensors(card(tmp_path, files))["watts"] == 0.0


def test_one_that_sleeps_is_not_woken(tmp_path: Path) -> None:
    read = read_sensors(card(tmp_path, FILES | {"power/runtime_status": "suspended\n"}))
    assert read == NOTHING | {"memory_used": 2**30, "memory_total": 17163091968}


@pytest.mark.parametrize("text", ["", "x\n", "\xff"])
def test_nonsense_is_not_known(tmp_path: Path, text: str) -> None:
    files = dict.fromkeys(FILES, text)
    assert read_sensors(card(tmp_path, files)) == NOTHING


def test_a_card_that_has_gone_says_nothing(tmp_path: Path) -> None:
    assert read_sensors(tmp_path / "gone") == NOTHING
