"""Nothing is lost by a pool whose machines are taken away: `make test-pool`.

A gateway, three members with real whisper-servers, and clients that send a sentence and its
beginning by turns, in 0.35 MB or in 25 MB. What goes wrong when is by a seed, which is printed;
POOL_SEED repeats it. POOL_REQUESTS is how many there are of each size.
"""

import io
import os
import random
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.boxes import Box
from tests.machines.clients import Clients
from tests.machines.deploying import deployed, raise_boxes, sample
from tests.machines.load import RIGHT, cut
from tests.machines.test_pool import SYSTEMCTL, write_inventory
from tests.tunnel import tunnel

pytestmark = pytest.mark.pool

REQUESTS = int(os.environ.get("POOL_REQUESTS", "200"))
# Of stereo with 32 bits at 192 kHz, for 25 MB to be seconds, and not a quarter of an hour.
LARGE_RATE, LARGE_CHANNELS, LARGE_WIDTH, LARGE_SECONDS = 192_000, 2, 4, 16.3
MEMBERS = ("one", "two", "three")


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
    if clients.answers[RIGHT] != REQUESTS:
        print(gate.run("journalctl --user -q -o short-precise -u voicemode-whisper-pool").stdout)
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
