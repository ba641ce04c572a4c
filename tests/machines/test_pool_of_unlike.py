"""A pool of members whose speeds are 1:2:4 has all of them at work: `make test-pool`.

The fastest has the real whisper-server. Those of the others are fakes, which take twice and four
times its time: three real ones would take the processors of this machine from each other.
"""

import base64
from collections.abc import Iterator
from statistics import mean

import pytest

from tests.boxes import Box
from tests.machines import timed_whisper
from tests.machines.clients import Clients, in_words
from tests.machines.deploying import deployed, raise_boxes, sample
from tests.machines.load import RIGHT
from tests.machines.test_pool import write_inventory
from tests.tunnel import tunnel

pytestmark = pytest.mark.pool

TLS = "~/.voicemode/services/tls"
CLIENTS, REQUESTS, SHARE = 6, 150, 0.95


@pytest.fixture(scope="module")
def pool(served: str) -> Iterator[tuple[Box, ...]]:
    with (
        raise_boxes("fast", "middle", "slow", base=served) as members,
        raise_boxes("gate") as (gate,),
    ):
        deployed(gate, *members, inventory=write_inventory(gate, *members))
        gate.run("base64 -d > speech.wav", input=base64.b64encode(sample(members[0])).decode())
        yield gate, *members


def alone(gate: Box, member: Box, times: int) -> list[float]:
    """Seconds of each of so many requests to a member that nobody else asks."""
    ask = (
        f"curl -sSf --cacert {TLS}/ca.pem --cert {TLS}/pool.pem --key {TLS}/pool.pem.key"
        " -F model=whisper-1 -F file=@speech.wav -o /dev/null -w '%{time_total}\\n'"
        f" https://{member.address}:2023/v1/audio/transcriptions"
    )
    seconds = [
        float(word) for word in gate.run(f"for i in $(seq {times}); do {ask}; done").stdout.split()
    ]
    assert len(seconds) == times
    return seconds


def test_all_members_are_kept_at_work(pool: tuple[Box, ...]):
    gate, fast, middle, slow = pool
    alone(gate, fast, 2)
    taken = {fast: alone(gate, fast, 20)}
    for times, member in ((2, middle), (4, slow)):
        timed_whisper.put(member, times * mean(taken[fast]))
        taken[member] = alone(gate, member, 5)
    recordings = {"whole": sample(fast)}
    with tunnel(gate, 2024) as url:
        one = Clients(url, recordings, 20, at_once=1)
        one.join()
        many = Clients(url, recordings, REQUESTS, at_once=CLIENTS)
        many.join()
    could = sum(1 / mean(seconds) for seconds in taken.values())
    report(taken, one, many, could)
    assert set(many.answers) == {RIGHT}
    assert rate(many) >= SHARE * could


def rate(clients: Clients) -> float:
    """Requests a second while all of the clients were there."""
    ended = sorted(clients.ended)[CLIENTS:-CLIENTS]
    return (len(ended) - 1) / (ended[-1] - ended[0])


def report(taken: dict[Box, list[float]], one: Clients, many: Clients, could: float) -> None:
    for member, seconds in taken.items():
        print(f"{member.name} alone: {in_words(seconds)}")
    print(f"the pool, one client: {in_words(one.waits)}")
    print(f"the pool, {CLIENTS} clients: {in_words(many.waits)}")
    print(f"{rate(many):.2f} requests a second of {could:.2f}: {rate(many) / could:.2f}")
