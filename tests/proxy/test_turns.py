import asyncio

import pytest
from whisper_proxy.errors import ApiError
from whisper_proxy.turns import Turns


class Crowd:
    """Requests that hold their turn until they are let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.order: list[int] = []
        self.let_go: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, count: int) -> None:
        for _ in range(count):
            self.let_go.append(asyncio.Event())
            self.tasks.append(asyncio.create_task(self._hold(len(self.tasks))))
            await asyncio.sleep(0)

    async def _hold(self, number: int) -> None:
        async with self.turns.turn():
            self.order.append(number)
            await self.let_go[number].wait()

    async def leave(self) -> None:
        for event in self.let_go:
            event.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def refusal(turns: Turns) -> ApiError:
    with pytest.raises(ApiError) as caught:
        async with turns.turn():
            pass
    assert (caught.value.status, caught.value.code) == (503, "overloaded")
    return caught.value


async def test_one_after_another_in_order() -> None:
    turns = Turns(1, 32, 5)
    crowd = Crowd(turns)
    await crowd.come(5)
    assert (turns.running, turns.waiting, crowd.order) == (1, 4, [0])
    await crowd.leave()
    assert (turns.running, turns.waiting, crowd.order) == (0, 0, [0, 1, 2, 3, 4])


async def test_several_at_once() -> None:
    turns = Turns(2, 32, 5)
    crowd = Crowd(turns)
    await crowd.come(3)
    assert (turns.running, turns.waiting) == (2, 1)
    await crowd.leave()


async def test_a_full_queue_says_when_to_come_again() -> None:
    turns = Turns(1, 1, 60)
    turns.took(2)
    turns.took(3)
    crowd = Crowd(turns)
    await crowd.come(2)
    error = await refusal(turns)
    assert error.message == "The queue is full. Try again."
    assert error.headers == {"Retry-After": "3"}
    await crowd.leave()


async def test_a_wait_that_would_be_too_long_is_refused_at_once() -> None:
    turns = Turns(1, 32, 10)
    turns.took(6)
    crowd = Crowd(turns)
    await crowd.come(2)
    assert (turns.running, turns.waiting) == (1, 1)
    error = await refusal(turns)
    assert error.message == "The wait would be too long. Try again."
    await crowd.leave()


async def test_a_free_turn_is_given_however_long_it_takes() -> None:
    turns = Turns(1, 0, 1)
    turns.took(600)
    async with turns.turn():
        assert (await refusal(turns)).headers == {"Retry-After": "60"}


async def test_a_wait_that_is_too_long_ends() -> None:
    turns = Turns(1, 32, 0.05)
    async with turns.turn():
        assert (await refusal(turns)).message == "No turn came up in time. Try again."
        assert turns.waiting == 0
    async with turns.turn():
        assert turns.running == 1


async def test_who_goes_away_leaves_the_queue() -> None:
    turns = Turns(1, 32, 5)
    crowd = Crowd(turns)
    await crowd.come(4)
    crowd.tasks[1].cancel()  # waits
    crowd.tasks[0].cancel()  # runs
    await asyncio.sleep(0.01)
    assert (turns.running, turns.waiting, crowd.order) == (1, 1, [0, 2])
    crowd.let_go[2].set()
    crowd.tasks[3].cancel()  # as its turn comes up
    await crowd.leave()
    assert (turns.running, turns.waiting) == (0, 0)
    async with turns.turn():
        assert turns.running == 1
