"""No request is lost while whisper-server dies, stops or starts, or the proxy restarts.

A tenth of the times in `make test`, all of them in `make torture`.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.boxes import Box
from tests.machines.deploying import post, raise_boxes, sample
from tests.machines.load import RIGHT, cut, kind
from tests.tunnel import tunnel

SYSTEMCTL = "XDG_RUNTIME_DIR=/run/user/1000 systemctl --user"
SHARE = 1 if os.environ.get("TORTURE_CASES") == "all" else 10
KILLS, STOPS, RESTARTS = 50 // SHARE, 20 // SHARE, 10 // SHARE
CLIENTS = 2


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("lossless", base=served) as (serving,):
        yield serving


@pytest.fixture(scope="module")
def recordings(box: Box) -> dict[str, bytes]:
    """Two recordings that are told apart by their words: all of the speech, and its beginning."""
    whole = sample(box)
    return {"whole": whole, "beginning": cut(whole, seconds=2.5)}


class Clients:
    """Clients that send one request after the other until they are told to stop."""

    def __init__(self, url: str, recordings: dict[str, bytes]) -> None:
        self.answers: Counter[str] = Counter()
        self._url, self._recordings = url, recordings
        self._done = threading.Event()
        self._answered = threading.Condition()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Send while the context lasts, and end every request that was begun."""
        threads = [threading.Thread(target=self._send, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            self.await_answer()
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def await_answer(self) -> None:
        """Return when the next answer has come."""
        with self._answered:
            assert self._answered.wait(timeout=60), "no answer for a minute"

    def _send(self, number: int) -> None:
        names = sorted(self._recordings)
        while not self._done.is_set():
            name = names[number % len(names)]
            number += 1
            outcome = self._outcome(name)
            with self._answered:
                self.answers[outcome] += 1
                self._answered.notify_all()

    def _outcome(self, name: str) -> str:
        try:
            heard = kind(post(self._url, self._recordings[name]))
        except Exception as error:
            return f"lost: {error}"
        return RIGHT if heard == name else f"wrong: {heard} for {name}"


def disturbed(box: Box, recordings: dict[str, bytes], commands: list[str]) -> Counter[str]:
    """The outcomes of steady requests while these commands run, an answer between each two."""
    chance = random.Random(2)
    with tunnel(box, 2023) as url:
        clients = Clients(url, recordings)
        with clients.at_work():
            for command in commands:
                clients.await_answer()
                time.sleep(chance.uniform(0, 0.4))
                box.run(command)
    print(f"{len(commands)} x {commands[0]!r}: {dict(clients.answers)}")
    return clients.answers


def test_whisper_server_is_killed_again_and_again(box: Box, recordings: dict[str, bytes]):
    answers = disturbed(box, recordings, ["pkill -KILL -x whisper-server"] * KILLS)
    assert set(answers) == {RIGHT}
    assert answers[RIGHT] > KILLS


def test_whisper_server_is_stopped_and_started(box: Box, recordings: dict[str, bytes]):
    unit = "voicemode-whisper.service"
    command = f"{SYSTEMCTL} stop {unit}; sleep 0.5; {SYSTEMCTL} start {unit}"
    answers = disturbed(box, recordings, [command] * STOPS)
    assert set(answers) == {RIGHT}


def test_whisper_server_hangs(box: Box, recordings: dict[str, bytes]):
    # The proxy kills it through systemd, half a minute later.
    answers = disturbed(box, recordings, ["pkill -STOP -x whisper-server"])
    assert set(answers) == {RIGHT}
    metrics = box.run("curl -fsS http://127.0.0.1:2023/metrics").stdout
    assert "\nwhisper_proxy_upstream_hung_total 1.0\n" in metrics


def test_the_proxy_is_restarted(box: Box, recordings: dict[str, bytes]):
    command = f"{SYSTEMCTL} restart voicemode-whisper-proxy.service"
    answers = disturbed(box, recordings, [command] * RESTARTS)
    assert set(answers) == {RIGHT}


def test_whisper_server_is_killed_while_the_proxy_finishes_what_it_has(
    box: Box, recordings: dict[str, bytes]
):
    """It is started again at once, and not when the proxy has given up waiting for it."""
    restart = f"{SYSTEMCTL} --no-block restart voicemode-whisper-proxy.service"
    command = f"{restart}; sleep 0.2; pkill -KILL -x whisper-server"
    answers = disturbed(box, recordings, [command] * RESTARTS)
    assert set(answers) == {RIGHT}


def test_what_a_machine_has_is_answered_before_it_goes_down(box: Box, recordings: dict[str, bytes]):
    with tunnel(box, 2023) as url, ThreadPoolExecutor() as pool:
        asked = [pool.submit(post, url, recordings["whole"]) for _ in range(4)]
        time.sleep(0.3)
        box.run("systemctl stop user@1000.service", user="root")
        assert {kind(one.result()) for one in asked} == {"whole"}
    box.run("systemctl start user@1000.service", user="root")
