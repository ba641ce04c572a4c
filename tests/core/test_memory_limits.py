import pytest

from voicemode_whisper.core.memory_limits import (
    GIB,
    MIB,
    UNKNOWN_MODEL,
    proxy_memory,
    server_memory,
)
from voicemode_whisper.core.model_sums import KNOWN
from voicemode_whisper.core.models import resolve_model


@pytest.mark.parametrize(
    ("size", "gibibytes"), [(77 * MIB, 6.0), (465 * MIB, 7.0), (3 * GIB, 14.5), (None, 14.5)]
)
def test_it_follows_from_the_model(size: int | None, gibibytes: float):
    assert server_memory(size) == gibibytes * GIB


@pytest.mark.parametrize("name", KNOWN)
def test_every_model_fits_with_four_hours_beside_it(name: str):
    size = resolve_model(name, "", "http://x").size
    assert server_memory(size) > 2 * (size or UNKNOWN_MODEL) + 4 * 3600 * 16000 * 15


def test_four_decoders_and_eight_live_sessions_fit_beside_the_proxy():
    assert proxy_memory() == 4 * GIB
