"""What a card draws, and what that says of it."""

import pytest

from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.power import Power, draws_more, idle_watts, parse_power, sysfs_device

CARD = Gpu(0, "gfx1101", 16 << 30, "0000:03:00.0")
INTEGRATED = Gpu(0, "gfx1151", 0, "0000:c5:00.0")


@pytest.mark.parametrize(
    ("line", "power"),
    [
        ("12345678 0", Power(12.345678, 0)),
        ("- 97", Power(None, 97)),
        ("71000000 -", Power(71, None)),
        ("- -", Power()),
    ],
)
def test_what_the_kernel_says_is_read(line: str, power: Power):
    assert parse_power(line) == power


def test_a_gpu_is_found_by_its_address():
    assert sysfs_device("/sys/bus/pci/devices", CARD) == "/sys/bus/pci/devices/0000:03:00.0"
    assert sysfs_device("/sys/bus/pci/devices", Gpu(0, "gfx1101", 16 << 30)) == ""
    assert sysfs_device("/sys/bus/pci/devices", None) == ""


@pytest.mark.parametrize(
    ("power", "gpu", "watts"),
    [
        (Power(12, 0), CARD, 12),
        (Power(12, 5), CARD, 12),
        (Power(12, 6), CARD, None),
        (Power(12, None), CARD, None),
        (Power(None, 0), CARD, None),
        (Power(12, 0), INTEGRATED, None),
    ],
)
def test_only_the_watts_of_a_card_that_is_idle_count(power: Power, gpu: Gpu, watts: float | None):
    assert idle_watts(power, gpu) == watts


@pytest.mark.parametrize(
    ("watts", "before", "more"),
    [
        (70, 30, True),  # an RX 7800 XT, ollama issue 738
        (19, 13, False),  # an R9700 with HIP and with Vulkan, ROCm issue 6453
        (23, 12, True),
        (22, 12, False),  # 10 W are not more than 10 W
        (52, 40, False),  # less than a third
        (54, 40, True),
        (70, None, False),
        (None, 12, False),
    ],
)
def test_clearly_more_than_before_is_more(watts: float | None, before: float | None, more: bool):
    assert draws_more(watts, before) is more
