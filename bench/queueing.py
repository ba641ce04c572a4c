"""What short dictations wait beside hours of audio: first in, first out, against this queue.

The queue is the real one, in virtual time. The arrivals are drawn by chance, with a fixed seed.
"""

import asyncio
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

from whisper_proxy import admission
from whisper_proxy.admission import AdmissionQueue, Job
from whisper_proxy.errors import ApiError
from whisper_proxy.inference_cost import Line

from . import table, virtual_time
from .figures import percentile
from .waiting import Load

# A GPU, in seconds, about as fast as that in docs/benchmarks.md: a window, and a second of speech.
GPU = Line(fixed=0.1, factor=0.012)
NOISE = 0.2  # of what an inference takes
DICTATIONS = Load(every=4.0, shortest=2.0, longest=15.0)
HOUR = 3600.0
SIMULATED = 24 * HOUR
SEED = 1


@dataclass(frozen=True)
class Case:
    """Who uploads beside what comes by chance: so many clients, each one file after another.

    seconds: of each file. max_wait: the proxy's setting. speeds: of the GPUs, of which one of 2
    takes half as long as `gpu`.
    """

    name: str
    clients: int
    seconds: float
    max_wait: float
    loads: Sequence[Load] = (DICTATIONS,)
    gpu: Line = GPU
    speeds: Sequence[float] = (1.0,)


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

    def percentile(self, percent: int) -> float:
        """A percentile of those that were not refused."""
        return percentile(self.seconds, percent)

    def cells(self, percent: int = 99) -> tuple[str, ...]:
        """Return mean, percentile and the share that was refused."""
        refused = 100 * self.refused / (len(self.seconds) + self.refused)
        times = (table.number(value, "s") for value in (self.mean, self.percentile(percent)))
        return (*times, table.number(refused, "%"))


class Simulation:
    """One proxy, what comes by chance and the files.

    waits: of each load; dictations: of the first one.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.files = Waits()
        self.waits = {load: Waits() for load in case.loads}
        self.dictations = self.waits[case.loads[0]]
        self._queue = AdmissionQueue(len(case.speeds), 1000, case.max_wait)
        self._idle = list(case.speeds)
        self._chance = random.Random(SEED)

    async def run(self, seconds: float) -> None:
        tasks = [asyncio.create_task(self._upload()) for _ in range(self.case.clients)]
        tasks += [asyncio.create_task(self._arrive(load)) for load in self.case.loads]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()

    async def _upload(self) -> None:
        while True:
            if not await self._ask(self.case.seconds, self.files):
                await asyncio.sleep(self._chance.uniform(1, 60))

    async def _arrive(self, load: Load) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(self._chance.expovariate(load.rate))
                seconds = self._chance.uniform(load.shortest, load.longest)
                group.create_task(self._ask(seconds, self.waits[load]))

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
        speed = self._idle.pop(0)  # the one that is idle for longest, as leastconn has it
        took = self.case.gpu.cost(job.seconds) / speed
        took *= self._chance.uniform(1 - NOISE, 1 + NOISE)
        with job.inferring():
            await asyncio.sleep(took)
        self._idle.append(speed)
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
