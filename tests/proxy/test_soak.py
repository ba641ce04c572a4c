"""A fleet of clients that misbehave in every way, beside a well-behaved one.

`make soak` takes ten minutes, `make test` ten seconds.
"""

import os
from pathlib import Path

import pytest

from . import fleet, processes
from .test_strain import beside, misbehaving, p99, settled

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SECONDS = float(os.environ.get("SOAK_SECONDS", "10"))
OF_EACH_KIND = 3
P99_MS = 1000.0  # as for the gap of the event loop; usually a tenth of it
# Python and its modules take 40, spools 16, and each client may have a few hundred KiB.
PEAK_MIB = 40 + 16 + OF_EACH_KIND * len(fleet.KINDS) * 0.5


async def test_a_well_behaved_client_is_served_beside_a_fleet(tmp_path: Path) -> None:
    kinds = [*fleet.KINDS] * OF_EACH_KIND
    with processes.whisper() as whisper, processes.proxy(whisper.url, tmp_path) as proxy:
        with misbehaving(proxy, kinds, SECONDS):
            served = await beside(proxy, SECONDS)
        health, answers = p99(served.health), p99(served.transcripts)
        print(f"{SECONDS:.0f} s beside {len(kinds)}: {served.tally}. p99: /health {health:.0f} ms,")
        print(f"transcription {answers:.0f} ms. Peak memory {proxy.peak_mib():.0f} MiB")
        served.tally.check()
        assert served.tally.refused == 0
        assert max(health, answers) < P99_MS
        assert proxy.peak_mib() < PEAK_MIB
        assert proxy.unexpected_lines() == []
        await settled(proxy)
