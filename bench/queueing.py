"""What short dictations wait beside hours of audio: first in, first out, against this queue.

The queue is the real one, in virtual time. The arrivals are drawn by chance, with a fixed seed.
"""

import asyncio
import random
import statistics
from dataclasses import dataclass, field
from unittest.mock import patch

from whisper_proxy import admission
from whisper_proxy.admission import AdmissionQueue, Job
from whisper_proxy.errors import ApiError
from whisper_proxy.inference_cost import windows

from . import table, virtual_time
from .figures import percentile

# A GPU, in seconds, about as fast as that in docs/benchmarks.md: a window, and a second of speech.
ENCODE, DECODE = 0.1, 0.012
NOISE = 0.2  # of what an inference takes
DICTATION = (2.0, 15.0)  # seconds of audio
DICTATION_EVERY = 4.0  # seconds, on average
HOUR = 3600.0
SIMULATED = 24 * HOUR
SEED = 1


@dataclass(frozen=True)
class Case:
    """Who uploads beside the dictations: so many clients, each one file after another.

    seconds: of each file. max_wait: the proxy's setting.
    """

    name: str
    clients: int
    seconds: float
    max_wait: float


CASES = (
    Case("one hour-long file after another", 1, HOUR, 45),
    Case("four of 10 minutes at a time", 4, 600, 45),
    Case("four of an hour, `max_wait` 600", 4, HOUR, 600),
)


@dataclass
class Waits:
    """Seconds that the requests of one kind waited, and how many were refused."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def mean(self) -> float:
        """The mean of those that were not refused."""
        return statistics.mean(self.seconds)

    def cells(self) -> tuple[str, str, str]:
        """Return mean, 99th percentile and the share that was refused."""
        p99 = percentile(self.seconds, 99)
        refused = 100 * self.refused / (len(self.seconds) + self.refused)
        return (table.number(self.mean, "s"), table.number(p99, "s"), table.number(refused, "%"))


class Simulation:
    """One proxy, the dictations and the files."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.dictations, self.files = Waits(), Waits()
        self._queue = AdmissionQueue(1, 1000, case.max_wait)
        self._chance = random.Random(SEED)

    async def run(self, seconds: float) -> None:
        tasks = [asyncio.create_task(self._upload()) for _ in range(self.case.clients)]
        tasks.append(asyncio.create_task(self._dictate()))
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()

    async def _upload(self) -> None:
        while True:
            if not await self._ask(self.case.seconds, self.files):
                await asyncio.sleep(self._chance.uniform(1, 60))

    async def _dictate(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(self._chance.expovariate(1 / DICTATION_EVERY))
                seconds = self._chance.uniform(*DICTATION)
                group.create_task(self._ask(seconds, self.dictations))

    async def _ask(self, seconds: float, waits: Waits) -> bool:
        began = asyncio.get_running_loop().time()
        try:
            async with self._queue.admitted(seconds) as job:
                waits.seconds.append(asyncio.get_running_loop().time() - began)
                await self._infer(job)
        except ApiError:
            waits.refused += 1
            return False
        return True

    async def _infer(self, job: Job) -> None:
        took = windows(job.seconds) * ENCODE + job.seconds * DECODE
        took *= self._chance.uniform(1 - NOISE, 1 + NOISE)
        with job.inferring():
            await asyncio.sleep(took)
        self._queue.cost.record(job.seconds, took)


def simulated(case: Case, seconds: float = SIMULATED) -> Simulation:
    """Return the simulation of this much time."""
    result = Simulation(case)
    virtual_time.run(result.run(seconds))
    return result


def first_in_first_out(case: Case, seconds: float = SIMULATED) -> Simulation:
    """Return the same with everybody in order of arrival."""
    with patch.object(admission, "next_job", lambda waiting, _: waiting[0]):
        return simulated(case, seconds)


def report() -> str:
    """Return the table of all cases."""
    header = ("", "mean", "p99", "refused", "first in, first out: mean", "p99", "refused")
    rows = [row for case in CASES for row in _rows(case)]
    return table.aligned([header, *rows])


def _rows(case: Case) -> list[tuple[str, ...]]:
    ours, fifo = simulated(case), first_in_first_out(case)
    return [
        (f"{case.name}: dictations", *ours.dictations.cells(), *fifo.dictations.cells()),
        (f"{case.name}: files", *ours.files.cells(), *fifo.files.cells()),
    ]


if __name__ == "__main__":
    print(report())
