import asyncio
import time

import pytest

from bench import virtual_time


def test_an_hour_takes_no_time():
    async def wait() -> float:
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(60))
        return asyncio.get_running_loop().time()

    began = time.perf_counter()
    assert virtual_time.run(wait()) == pytest.approx(3600)
    assert time.perf_counter() - began < 10


def test_what_waits_for_ever_is_an_error():
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError):
        virtual_time.run(wait())
