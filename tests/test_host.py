"""What is known of a host before the run."""

from typing import Any

import pytest

from tests.fake_hosts import FakeHost
from tests.generations import CARD, generation, generations
from voicemode_whisper.core.generations import Generations
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.power import Power
from voicemode_whisper.host import DEFAULTS, Host

HERE = Gpu(0, "gfx1101", CARD.memory, "0000:03:00.0")
STRONG = Gpu(0, "gfx1151", 0, "0000:c5:00.0")
NOTHING, IDLE = Generations(), Power(12, 0)
BUS = DEFAULTS["gpu_pci"]


def unserved_watts(
    gpu: Gpu, found: Generations = NOTHING, power: Power = IDLE, **settings: Any
) -> float | None:
    """What is known of a host with this GPU, which says so of it."""
    facts = {
        "machine.Identity": {"home": "/h"},
        "kfd.Gpus": {f"kfd={DEFAULTS['gpu_kfd']}, pci={BUS}": [gpu]},
        "generations.Generations": {f"layout={Layout('/h')}": found},
        "power.UnservedPower": {f"device={BUS}/{gpu.address}, pause=0": power},
    }
    fake = FakeHost(facts)
    fake.host.data = type("Data", (), {"dict": lambda _: {**DEFAULTS, **settings}})()
    with fake.worked_on():
        return Host(fake.host).unserved_watts


def test_what_the_card_draws_before_anything_serves():
    assert unserved_watts(HERE) == 12
    assert unserved_watts(HERE, power=Power(80, 40)) is None


def test_where_something_serves_already_that_is_not_known():
    assert unserved_watts(HERE, generations(1, generation(1))) is None


@pytest.mark.parametrize("gpu", [STRONG, CARD])
def test_a_gpu_without_watts_or_address_of_its_own_has_none(gpu: Gpu):
    assert unserved_watts(gpu) is None


def test_nobody_asks_a_card_that_is_not_to_be_used():
    assert unserved_watts(HERE, whisper_backend="cpu") is None
