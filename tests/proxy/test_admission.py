import asyncio

import pytest
from whisper_proxy.admission import AdmissionQueue
from whisper_proxy.errors import ApiError


class Crowd:
    """Requests that hold their slot until they are released."""

    def __init__(self, admission: AdmissionQueue) -> None:
        self.admission = admission
        self.order: list[int] = []
        self.released: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def arrive(self, count: int) -> None:
        for _ in range(count):
            self.released.append(asyncio.Event())
            self.tasks.append(asyncio.create_task(self._hold(len(self.tasks))))
            await asyncio.sleep(0)

    async def _hold(self, number: int) -> None:
        async with self.admission.admitted():
            self.order.append(number)
            await self.released[number].wait()

    async def finish(self) -> None:
        for event in self.released:
            event.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def failure(admission: AdmissionQueue) -> ApiError:
    with pytest.raises(ApiError) as caught:
        async with admission.admitted():
            pass
    assert (caught.value.status, caught.value.code) == (503, "overloaded")
    return caught.value


async def test_one_after_another_in_order() -> None:
    admission = AdmissionQueue(1, 32, 5)
    crowd = Crowd(admission)
    await crowd.arrive(5)
    assert (admission.running, admission.waiting, crowd.order) == (1, 4, [0])
    await crowd.finish()
    assert (admission.running, admission.waiting, crowd.order) == (0, 0, [0, 1, 2, 3, 4])


async def test_several_at_once() -> None:
    admission = AdmissionQueue(2, 32, 5)
    crowd = Crowd(admission)
    await crowd.arrive(3)
    assert (admission.running, admission.waiting) == (2, 1)
    await crowd.finish()


async def test_a_full_queue_says_when_to_retry() -> None:
    admission = AdmissionQueue(1, 1, 60)
    admission.record_duration(2)
    admission.record_duration(3)
    crowd = Crowd(admission)
    await crowd.arrive(2)
    error = await failure(admission)
    assert error.message == "The queue is full. Try again."
    assert error.headers == {"Retry-After": "3"}
    await crowd.finish()


async def test_a_wait_that_would_be_too_long_is_refused_at_once() -> None:
    admission = AdmissionQueue(1, 32, 10)
    admission.record_duration(6)
    crowd = Crowd(admission)
    await crowd.arrive(2)
    assert (admission.running, admission.waiting) == (1, 1)
    error = await failure(admission)
    assert error.message == "The wait would be too long. Try again."
    await crowd.finish()


async def test_a_free_slot_is_given_however_long_inferences_take() -> None:
    admission = AdmissionQueue(1, 0, 1)
    admission.record_duration(600)
    async with admission.admitted():
        assert (await failure(admission)).headers == {"Retry-After": "60"}


async def test_a_wait_that_takes_too_long_ends() -> None:
    admission = AdmissionQueue(1, 32, 0.05)
    async with admission.admitted():
        assert (await failure(admission)).message == "No turn came up in time. Try again."
        assert admission.waiting == 0
    async with admission.admitted():
        assert admission.running == 1


async def test_a_cancelled_request_leaves_the_queue() -> None:
    admission = AdmissionQueue(1, 32, 5)
    crowd = Crowd(admission)
    await crowd.arrive(4)
    crowd.tasks[1].cancel()  # waiting
    crowd.tasks[0].cancel()  # running
    await asyncio.sleep(0.01)
    assert (admission.running, admission.waiting, crowd.order) == (1, 1, [0, 2])
    crowd.released[2].set()
    crowd.tasks[3].cancel()  # as it is admitted
    await crowd.finish()
    assert (admission.running, admission.waiting) == (0, 0)
    async with admission.admitted():
        assert admission.running == 1
