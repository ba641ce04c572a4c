"""What gives way to requests."""

import asyncio

import pytest
from whisper_proxy.admission import AdmissionQueue, Job


class Work:
    """Something that is done in spare time, until it is released; it takes a while to end."""

    def __init__(self, admission: AdmissionQueue, ending: float = 0.0) -> None:
        self._ending = ending
        self.released = asyncio.Event()
        self.ended = False
        self.task = asyncio.create_task(admission.in_spare_time(1, self._work))

    async def _work(self, _: Job) -> str:
        try:
            await self.released.wait()
        finally:
            await asyncio.sleep(self._ending)
            self.ended = True
        return "done"


async def begun(work: Work) -> Work:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not work.task.done()
    return work


async def test_it_is_done_while_nobody_waits() -> None:
    admission = AdmissionQueue(1, 32, 5)
    work = await begun(Work(admission))
    assert (admission.running, admission.waiting) == (0, 0)
    work.released.set()
    assert await work.task == "done"


async def test_whisper_server_has_the_time_for_it() -> None:
    """Otherwise a long turn on a slow processor would count as hung, and whisper-server be killed.

    Those beside it wait for it, as whisper-server computes one after the other.
    """
    admission = AdmissionQueue(2, 32, 5)
    work = await begun(Work(admission))
    assert admission.audio_seconds == 1
    async with admission.admitted(10):
        assert admission.audio_seconds == 11
    work.released.set()
    await work.task
    assert admission.audio_seconds == 0


async def test_it_is_not_begun_beside_a_request() -> None:
    admission = AdmissionQueue(1, 32, 5)
    async with admission.admitted(1):
        assert await Work(admission).task is None
    with admission.announced():
        assert await Work(admission).task is None


async def test_it_gives_way_and_the_request_waits_for_its_end_alone() -> None:
    admission = AdmissionQueue(1, 32, 5)
    work = await begun(Work(admission, ending=0.05))
    async with admission.admitted(1) as job:
        assert work.ended
        assert job.held < 0.05
    assert await work.task is None


async def test_no_request_is_refused_for_it() -> None:
    admission = AdmissionQueue(1, 0, 5)  # nobody may wait
    work = await begun(Work(admission))
    assert admission.expected_wait(1) == 0
    async with admission.admitted(1):
        assert work.task.done()


async def test_as_many_give_way_as_are_wanted() -> None:
    admission = AdmissionQueue(2, 32, 5)
    first, second = await begun(Work(admission)), await begun(Work(admission))
    assert await Work(admission).task is None
    async with admission.admitted(1):
        assert [first.task.done(), second.task.done()].count(True) == 1
        async with admission.admitted(1):
            assert first.ended
            assert second.ended


async def test_who_goes_away_ends_it() -> None:
    admission = AdmissionQueue(1, 32, 5)
    work = await begun(Work(admission))
    work.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work.task
    assert work.ended
    async with admission.admitted(1):
        pass


async def test_who_goes_away_while_it_gives_way_is_gone() -> None:
    admission = AdmissionQueue(1, 32, 5)
    work = await begun(Work(admission, ending=0.05))
    waiting = asyncio.create_task(anext(aiter_of(admission)))
    await asyncio.sleep(0.01)
    work.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work.task
    await waiting


async def aiter_of(admission: AdmissionQueue):
    async with admission.admitted(1) as job:
        yield job


async def test_its_failure_is_its_own() -> None:
    admission = AdmissionQueue(1, 32, 5)

    async def fails(_: Job) -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await admission.in_spare_time(1, fails)
    assert await admission.in_spare_time(1, lambda _: asyncio.sleep(0, "next")) == "next"
