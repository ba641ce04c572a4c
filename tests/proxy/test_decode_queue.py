import asyncio
from contextlib import AsyncExitStack

import pytest
from whisper_proxy.decode_queue import MAX_PROCESSES, DecodeQueue
from whisper_proxy.errors import ApiError


async def filled(queue: DecodeQueue, stack: AsyncExitStack) -> None:
    for _ in range(MAX_PROCESSES):
        await stack.enter_async_context(queue.slot())


async def test_a_few_run_and_others_wait() -> None:
    queue = DecodeQueue(1, 10)
    async with AsyncExitStack() as stack:
        await filled(queue, stack)
        waiting = asyncio.create_task(stack.enter_async_context(queue.slot()))
        await asyncio.sleep(0)
        assert (queue.running, queue.waiting) == (MAX_PROCESSES, 1)
        with pytest.raises(ApiError, match="Too many recordings") as caught:
            await stack.enter_async_context(queue.slot())
        assert (caught.value.status, caught.value.code) == (503, "overloaded")
        waiting.cancel()
    await asyncio.wait([waiting])
    assert (queue.running, queue.waiting) == (0, 0)


async def test_the_first_to_come_is_the_first_served() -> None:
    queue = DecodeQueue(5, 10)
    order: list[int] = []

    async def take(number: int) -> None:
        async with queue.slot():
            order.append(number)

    async with AsyncExitStack() as stack:
        await filled(queue, stack)
        tasks = [asyncio.create_task(take(number)) for number in range(5)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


async def test_who_waits_too_long_is_refused() -> None:
    queue = DecodeQueue(1, 0.05)
    async with AsyncExitStack() as stack:
        await filled(queue, stack)
        with pytest.raises(ApiError, match="No decoder was free") as caught:
            await stack.enter_async_context(queue.slot())
        assert caught.value.headers == {"Retry-After": "5"}
        assert queue.waiting == 0
