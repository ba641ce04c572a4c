"""What a pool makes of unlike machines, and that it loses nothing when they go: `make test-pool`.

A gateway, three members with real whisper-servers, and clients that send a sentence and its
beginning by turns, in 0.35 MB or in 25 MB. What goes wrong when is by a seed, which is printed;
POOL_SEED repeats it. POOL_REQUESTS is how many there are of each size.
"""

import base64
import io
import os
import random
import threading
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from statistics import mean, median
from typing import Any

import pytest

from tests.boxes import Box
from tests.machines.deploying import deployed, raise_boxes, sample
from tests.machines.load import RIGHT, cut, heard, kind
from tests.machines.test_pool import SYSTEMCTL, write_inventory
from tests.tunnel import tunnel

pytestmark = pytest.mark.pool

REQUESTS = int(os.environ.get("POOL_REQUESTS", "200"))
CLIENTS = 4
# Of stereo with 32 bits at 192 kHz, for 25 MB to be seconds, and not a quarter of an hour.
LARGE_RATE, LARGE_CHANNELS, LARGE_WIDTH, LARGE_SECONDS = 192_000, 2, 4, 16.3
MEMBERS = ("one", "two", "three")
# How much of a processor each member's whisper-server may use, in percent, where they are slowed.
SHARES = (15, 30, 60)
SET_PROPERTY = f"{SYSTEMCTL} set-property --runtime voicemode-whisper.service"


@pytest.fixture(scope="module")
def boxes(served: str) -> Iterator[tuple[Box, ...]]:
    with raise_boxes(*MEMBERS, base=served) as members, raise_boxes("gate") as (gate,):
        yield gate, *members


@pytest.fixture(scope="module")
def inventory(boxes: tuple[Box, ...]) -> Path:
    path = write_inventory(*boxes)
    deployed(*boxes, inventory=path)
    return path


@pytest.fixture(scope="module")
def recordings(boxes: tuple[Box, ...], inventory: Path) -> dict[str, dict[str, bytes]]:
    """By their size, and by what is heard in them."""
    speech = sample(boxes[1])
    small = {"whole": speech, "beginning": lengthened(cut(speech, 3), 11)}
    return {"small": small, "large": {spoken: enlarged(one) for spoken, one in small.items()}}


def lengthened(recording: bytes, seconds: float) -> bytes:
    """A WAV file with silence behind it."""
    parameters, frames = read_wav(recording)
    return wav(parameters, frames.ljust(round(seconds * parameters.framerate) * 2, b"\0"))


def enlarged(recording: bytes) -> bytes:
    """The same in 25 MB, of 16 kHz, mono and 16 bits."""
    parameters, frames = read_wav(lengthened(recording, LARGE_SECONDS))
    times = LARGE_RATE // parameters.framerate * LARGE_CHANNELS
    samples = (frames[at : at + 2] for at in range(0, len(frames), 2))
    large = b"".join((b"\0\0" + sample) * times for sample in samples)
    return wav((LARGE_CHANNELS, LARGE_WIDTH, LARGE_RATE, 0, "NONE", ""), large)


def read_wav(recording: bytes) -> tuple[Any, bytes]:
    with wave.open(io.BytesIO(recording)) as source:
        return source.getparams(), source.readframes(source.getnframes())


def wav(parameters: Any, frames: bytes) -> bytes:
    output = io.BytesIO()
    with wave.open(output, "wb") as target:
        target.setparams(parameters)
        target.writeframes(frames)
    return output.getvalue()


class Clients:
    """Clients that send so many requests, each as soon as its last was answered.

    `recordings` are by what is to be heard in them, and are sent by turns.
    """

    def __init__(
        self, url: str, recordings: dict[str, bytes], count: int, at_once: int = CLIENTS
    ) -> None:
        self.answers: Counter[str] = Counter()
        self.ended: list[float] = []
        self.waits: list[float] = []
        self._url, self._recordings, self._left = url, recordings, count
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(at_once)]
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        return self._left <= 0

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        for spoken, recording in cycle(self._recordings.items()):
            if not self._take():
                return
            began = time.monotonic()
            outcome = self._outcome(spoken, recording)
            with self._lock:
                self.answers[outcome] += 1
                self.ended.append(time.monotonic())
                self.waits.append(self.ended[-1] - began)

    def _take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def _outcome(self, spoken: str, recording: bytes) -> str:
        try:
            found = kind(heard(self._url, recording))
        except Exception as error:
            return f"lost: {type(error).__name__}: {error}"
        return RIGHT if found == spoken else f"wrong: {found}, not {spoken}"


class Alone:
    """What a member takes for a recording where nobody else asks: seconds of each request."""

    def __init__(self, gate: Box, member: Box, times: int) -> None:
        tls = "~/.voicemode/services/tls"
        ask = (
            f"curl -sSf --cacert {tls}/ca.pem --cert {tls}/pool.pem --key {tls}/pool.pem.key "
            "-F model=whisper-1 -F file=@speech.wav -o /dev/null -w '%{time_total}\\n' "
            f"https://{member.address}:2023/v1/audio/transcriptions"
        )
        said = gate.run(f"for i in $(seq {times}); do {ask}; done").stdout
        self.seconds = sorted(map(float, said.split()))
        assert len(self.seconds) == times

    def __str__(self) -> str:
        return in_words(self.seconds)


def in_words(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"p50 {median(ordered):.2f} s, p99 {ordered[int(0.99 * len(ordered))]:.2f} s"


@pytest.fixture
def slowed(boxes: tuple[Box, ...]) -> Iterator[None]:
    """The members with as much of a processor as SHARES says."""
    for member, share in zip(boxes[1:], SHARES, strict=True):
        member.run(f"{SET_PROPERTY} CPUQuota={share}%")
    yield
    for member in boxes[1:]:
        member.run(f"{SET_PROPERTY} CPUQuota=")


def test_members_of_unlike_speed_are_all_kept_at_work(
    slowed: None, boxes: tuple[Box, ...], recordings: dict[str, dict[str, bytes]]
):
    gate, *members = boxes
    speech = {"whole": recordings["small"]["whole"]}
    encoded = base64.b64encode(speech["whole"]).decode()
    gate.run("base64 -d > speech.wav", input=encoded)
    alone = [
        Alone(gate, member, 2 + share // 10) for member, share in zip(members, SHARES, strict=True)
    ]
    speeds = [1 / mean(one.seconds) for one in alone]
    with tunnel(gate, 2024) as url:
        single = Clients(url, speech, 10, at_once=1)
        single.join()
        all_at_once = Clients(url, speech, 100, at_once=2 * len(members))
        all_at_once.join()
    ended = sorted(all_at_once.ended)[len(members) : -len(members)]
    speed = (len(ended) - 1) / (ended[-1] - ended[0])
    for member, one in zip(members, alone, strict=True):
        print(f"{member.name} alone: {one}")
    print(f"the pool, one client: {in_words(single.waits)}")
    print(f"the pool, {2 * len(members)} clients: {in_words(all_at_once.waits)}")
    print(f"{speed:.2f} requests a second of {sum(speeds):.2f}: {speed / sum(speeds):.2f}")
    assert set(all_at_once.answers) == {RIGHT}
    assert speed >= 0.95 * sum(speeds)


def proxy_killed(box: Box) -> None:
    box.run(f"{SYSTEMCTL} kill --signal=KILL voicemode-whisper-proxy.service")


def server_killed(box: Box) -> None:
    box.run("pkill -KILL -x whisper-server", check=False)


def power_lost(box: Box) -> None:
    box.kill()
    time.sleep(3)
    box.start()


def network_lost(box: Box) -> None:
    """As where packets are dropped: nothing answers, and no connection is reset."""
    with box.unplugged():
        time.sleep(8)


OF_MEMBERS = (proxy_killed, server_killed, power_lost, network_lost)


def of_gateway(gate: Box, chance: random.Random) -> str:
    """Reload or kill HAProxy, or restart the proxy."""
    commands = {
        "HAProxy reloaded": f"{SYSTEMCTL} reload voicemode-whisper-balancer.service",
        "HAProxy killed": f"{SYSTEMCTL} kill --signal=KILL voicemode-whisper-balancer.service",
        "proxy restarted": f"{SYSTEMCTL} --no-block restart voicemode-whisper-pool.service",
    }
    name = chance.choice(sorted(commands))
    gate.run(commands[name])
    return name


@pytest.mark.parametrize("size", ["small", "large"])
def test_no_request_is_lost_whatever_goes_away(
    size: str, boxes: tuple[Box, ...], recordings: dict[str, dict[str, bytes]]
):
    gate, *members = boxes
    seed = os.environ.get("POOL_SEED") or str(random.randrange(10**6))
    chance, caused = random.Random(seed), Counter[str]()
    print(f"POOL_SEED={seed}")
    began = time.monotonic()
    with tunnel(gate, 2024) as url:
        clients = Clients(url, recordings[size], REQUESTS)
        while not clients.done:
            time.sleep(chance.uniform(1, 6))
            if chance.random() < 0.2:
                caused[of_gateway(gate, chance)] += 1
            else:
                fault: Callable[[Box], None] = chance.choice(OF_MEMBERS)
                caused[fault.__name__] += 1
                fault(chance.choice(members))
        clients.join()
    print(f"{size}: {dict(clients.answers)} in {time.monotonic() - began:.0f} s, {dict(caused)}")
    assert set(clients.answers) == {RIGHT}
    assert clients.answers[RIGHT] == REQUESTS


def test_no_request_is_lost_while_all_members_are_upgraded_and_a_certificate_is_renewed(
    boxes: tuple[Box, ...], inventory: Path, recordings: dict[str, dict[str, bytes]]
):
    gate = boxes[0]
    gate.run("rm ~/.voicemode/services/tls/pool.pem")
    with tunnel(gate, 2024) as url:
        clients = Clients(url, recordings["small"], 60)
        run = deployed(*boxes, inventory=inventory, whisper_port=2122)
        clients.join()
    print(f"upgraded: {dict(clients.answers)}")
    assert "Certificates | Have a certificate for the pool's members" in run.changed
    assert set(clients.answers) == {RIGHT}
