import asyncio
import time

import pytest
from whisper_proxy import drain
from whisper_proxy.drain import InFlight


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "GRACE_SECONDS", 0.01)


async def test_nothing_is_in_flight() -> None:
    flight = InFlight()
    assert not flight.draining
    assert await flight.drain(5) == 0
    assert flight.draining


async def test_it_waits_for_the_last() -> None:
    flight = InFlight()

    async def request(seconds: float) -> None:
        with flight.track():
            await asyncio.sleep(seconds)

    tasks = [asyncio.create_task(request(seconds)) for seconds in (0.02, 0.1)]
    await asyncio.sleep(0)
    assert await flight.drain(5) == 0
    assert all(task.done() for task in tasks)


async def test_it_waits_no_longer_than_told() -> None:
    flight = InFlight()
    started = time.monotonic()
    with flight.track():
        assert await flight.drain(0.05) == 1
    assert time.monotonic() - started < 1
