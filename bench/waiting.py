"""How long requests wait, as queueing theory has it: Poisson arrivals, any service time, M/G/c.

Rates are in requests a second, times in seconds. Waits are without the inference itself.
"""

import math
import statistics
from dataclasses import dataclass

from whisper_proxy.inference_cost import Line

STEPS = 200  # into which a range of lengths is cut
BISECTIONS = 50


@dataclass(frozen=True)
class Load:
    """Recordings that come by chance, one every `every` seconds on average.

    shortest, longest: seconds of audio; all lengths between them are as likely.
    """

    every: float
    shortest: float
    longest: float

    @property
    def rate(self) -> float:
        """Recordings a second."""
        return 1 / self.every


@dataclass(frozen=True)
class Service:
    """What an inference takes: the mean, and the mean of its square."""

    mean: float
    square: float

    @classmethod
    def of(cls, line: Line, load: Load, noise: float) -> "Service":
        """Return it for these recordings; it differs by up to `noise`, a share, either way."""
        step = (load.longest - load.shortest) / STEPS
        took = [line.cost(load.shortest + (number + 0.5) * step) for number in range(STEPS)]
        square = statistics.fmean(one * one for one in took)
        return cls(statistics.fmean(took), square * (1 + noise**2 / 3))


def wait_probability(busy: float, servers: int) -> float:
    """Return the share of requests that wait at all: Erlang's C formula.

    busy: how many servers are at work on average.
    """
    if busy >= servers:
        return 1.0
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = busy * blocked / (number + busy * blocked)
    return blocked / (1 - busy / servers * (1 - blocked))


def mean_wait(rate: float, service: Service, servers: int = 1) -> float:
    """Return the mean wait: Allen and Cunneen's, which for one server is Pollaczek and Khinchine's.

    Infinite where more comes than can be done.
    """
    busy = rate * service.mean
    if busy >= servers:
        return math.inf
    residual = service.square / (2 * service.mean)  # of an inference that runs
    return wait_probability(busy, servers) * residual / (servers - busy)


def percentile_wait(percent: float, rate: float, service: Service, servers: int = 1) -> float:
    """Return a percentile of the wait, taken as exponential for those who wait at all."""
    waits = wait_probability(rate * service.mean, servers)
    beyond = 1 - percent / 100
    if waits <= beyond:
        return 0.0
    return mean_wait(rate, service, servers) / waits * math.log(waits / beyond)


def rate_for(percent: float, wait: float, service: Service, servers: int = 1) -> float:
    """Return the rate at which a percentile of the wait is this long."""
    low, high = 0.0, servers / service.mean
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if percentile_wait(percent, middle, service, servers) < wait:
            low = middle
        else:
            high = middle
    return low


def rate_of_files(percent: float, wait: float, took: float, busy: float) -> float:
    """Return the rate of long files at which a percentile of the short recordings' wait is so long.

    took: by a file; busy: the share of the time that the one server spends on short recordings,
    which come before files that wait, but interrupt none that runs. What came while one ran is
    done after it, so `files / (1 - busy)` of the short ones wait because of a file, up to `took`
    seconds and all waits as likely. Infinite where a file takes no longer than `wait`.
    """
    if took <= wait:
        return math.inf
    return (1 - percent / 100) * (1 - busy) / (1 - wait / took) / took
