import asyncio

import pytest
from whisper_proxy.admission import AdmissionQueue
from whisper_proxy.errors import ApiError

from bench import virtual_time


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
        async with self.admission.admitted(1):
            self.order.append(number)
            await self.released[number].wait()

    async def finish(self) -> None:
        for event in self.released:
            event.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def failure(admission: AdmissionQueue, seconds: float = 1) -> ApiError:
    with pytest.raises(ApiError) as caught:
        async with admission.admitted(seconds):
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
    admission.cost.record(1, 2.5)
    crowd = Crowd(admission)
    await crowd.arrive(2)
    error = await failure(admission)
    assert error.message == "The queue is full. Try again."
    assert error.headers == {"Retry-After": "5"}
    await crowd.finish()


async def test_a_wait_that_would_be_too_long_is_refused_at_once() -> None:
    admission = AdmissionQueue(1, 32, 10)
    admission.cost.record(1, 6)
    crowd = Crowd(admission)
    await crowd.arrive(2)
    assert (admission.running, admission.waiting) == (1, 1)
    error = await failure(admission)
    assert error.message == "The wait would be too long. Try again."
    await crowd.finish()


async def test_a_free_slot_is_given_however_long_inferences_take() -> None:
    admission = AdmissionQueue(1, 0, 1)
    admission.cost.record(1, 600)
    async with admission.admitted(1):
        assert (await failure(admission)).headers == {"Retry-After": "60"}


async def test_a_wait_that_takes_too_long_ends() -> None:
    admission = AdmissionQueue(1, 32, 0.05)
    async with admission.admitted(1):
        assert (await failure(admission)).message == "No turn came up in time. Try again."
        assert admission.waiting == 0
    async with admission.admitted(1):
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
    async with admission.admitted(1):
        assert admission.running == 1


MINUTE, HOUR = 60.0, 3600.0
FACTOR = 0.02  # seconds of inference per second of audio, on a GPU


class Machine:
    """Requests of different lengths, in virtual time: who waited how long."""

    def __init__(self, limit: int = 32, max_wait: float = 45, concurrency: int = 1) -> None:
        self.admission = AdmissionQueue(concurrency, limit, max_wait)
        self.admission.cost.record(30, 30 * FACTOR)
        self.waited: dict[str, float] = {}
        self.refused: dict[str, ApiError] = {}
        self.order: list[str] = []

    async def ask(self, name: str, seconds: float, at: float = 0.0) -> None:
        await asyncio.sleep(at)
        arrived = now()
        try:
            async with self.admission.admitted(seconds) as job:
                self.waited[name] = now() - arrived
                self.order.append(name)
                with job.inferring():
                    await asyncio.sleep(seconds * FACTOR)
        except ApiError as error:
            self.refused[name] = error

    async def all(self, *requests: tuple[str, float, float]) -> None:
        await asyncio.gather(*(self.ask(*request) for request in requests))


def now() -> float:
    return asyncio.get_running_loop().time()


def test_what_runs_counts_with_what_remains_of_it() -> None:
    async def main() -> None:
        machine = Machine()
        long = asyncio.create_task(machine.ask("long", HOUR))  # 72 s
        await asyncio.sleep(10)
        error = await failure(machine.admission)
        assert error.message == "The wait would be too long. Try again."
        assert error.headers == {"Retry-After": "60"}
        await asyncio.sleep(20)
        await machine.ask("short", 5)
        assert machine.waited["short"] == pytest.approx(42)
        await long

    virtual_time.run(main())


def test_one_that_takes_longer_than_expected_is_about_to_end() -> None:
    async def main() -> None:
        admission = AdmissionQueue(1, 32, 45)
        admission.cost.record(1, 10)
        async with admission.admitted(1) as job:
            with job.inferring():
                await asyncio.sleep(30)
                assert admission.expected_wait(1) == 0

    virtual_time.run(main())


@pytest.mark.parametrize("seconds", [1.0, MINUTE])
def test_the_wait_that_is_expected_is_the_wait(seconds: float) -> None:
    async def main() -> None:
        machine = Machine(max_wait=1000)
        requests = [machine.ask(f"{i}", length) for i, length in enumerate((HOUR, 90, 5, 300, 2))]
        tasks = [asyncio.create_task(request) for request in requests]
        await asyncio.sleep(7)
        expected = machine.admission.expected_wait(seconds)
        await machine.ask("last", seconds)
        assert machine.waited["last"] == pytest.approx(expected)
        await asyncio.gather(*tasks)

    virtual_time.run(main())


def test_a_free_slot_is_no_wait() -> None:
    async def main() -> None:
        machine = Machine(concurrency=2)
        async with machine.admission.admitted(HOUR):
            assert machine.admission.expected_wait(HOUR) == 0
            async with machine.admission.admitted(HOUR):
                assert machine.admission.expected_wait(1) == pytest.approx(72)

    virtual_time.run(main())


def test_a_short_one_waits_for_one_long_one_at_most() -> None:
    async def main() -> None:
        machine = Machine(max_wait=1000)
        longs = [(f"long {number}", HOUR, 0.0) for number in range(5)]
        shorts = [(f"short {number}", 5.0, 10.0 * number) for number in range(30)]
        await machine.all(*longs, *shorts)
        assert not machine.refused
        assert max(wait for name, wait in machine.waited.items() if "short" in name) < 73

    virtual_time.run(main())


def test_a_long_one_has_half_of_the_time_however_many_short_ones_come() -> None:
    async def main() -> None:
        machine = Machine(limit=10000, max_wait=10000)
        # They need all of the time alone.
        shorts = [(f"short {number}", 5.0, 0.1 * number) for number in range(1500)]
        longs = [(f"long {number}", HOUR, 0.05 + number) for number in range(2)]
        await machine.all(*shorts, *longs)
        for number in range(2):
            assert machine.waited[f"long {number}"] < number * 2 * 72 + 1

    virtual_time.run(main())


def test_those_of_one_length_go_in_order() -> None:
    async def main() -> None:
        machine = Machine()
        await machine.all(*((f"{number}", 5.0, number / 1000) for number in range(20)))
        assert machine.order == [f"{number}" for number in range(20)]

    virtual_time.run(main())


def test_a_place_is_kept_while_the_audio_is_decoded() -> None:
    async def main() -> None:
        admission = AdmissionQueue(1, 1, 10)
        with admission.announced(), admission.announced():
            with pytest.raises(ApiError) as caught, admission.announced():
                pass
            assert caught.value.message == "The queue is full. Try again."
            async with admission.admitted(1):  # what needs no decoding
                pass
        with admission.announced():
            pass

    virtual_time.run(main())


def test_what_would_be_refused_is_not_announced() -> None:
    async def main() -> None:
        machine = Machine()
        async with machine.admission.admitted(HOUR):
            with pytest.raises(ApiError) as caught, machine.admission.announced():
                pass
            assert caught.value.message == "The wait would be too long. Try again."

    virtual_time.run(main())


def test_an_inference_is_overdue_after_what_is_expected_and_the_wait() -> None:
    async def main() -> None:
        machine = Machine(max_wait=45)
        assert await overdue_after(machine.admission, HOUR) == pytest.approx(72 + 45, abs=1.1)
        unmeasured = AdmissionQueue(1, 32, 2)
        assert await overdue_after(unmeasured, 10) == pytest.approx(12, abs=1.1)

    virtual_time.run(main())


async def overdue_after(admission: AdmissionQueue, seconds: float) -> float:
    async with admission.admitted(seconds) as job:
        await asyncio.sleep(1000)  # waits for whisper-server
        assert not admission.overdue
        began = now()
        with job.inferring():
            while not admission.overdue:
                await asyncio.sleep(1)
        assert not admission.overdue
        return now() - began
