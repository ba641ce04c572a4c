"""What becomes of requests when inferences hang. The clock is a virtual one."""

import asyncio
import io
import time
from functools import partial
from typing import Any

import pytest
from whisper_proxy.admission import AdmissionQueue
from whisper_proxy.audio import Audio
from whisper_proxy.decode import Wav
from whisper_proxy.dispatch import Dispatcher
from whisper_proxy.errors import ApiError
from whisper_proxy.fields import TranscriptionRequest
from whisper_proxy.inference import HungError, Inferences
from whisper_proxy.metrics import Metrics
from whisper_proxy.restart import Restarter
from whisper_proxy.transcript import Segment, Transcript
from whisper_proxy.upstream import LostError, NotReachedError, State
from whisper_proxy.upstream_monitor import UpstreamMonitor

from .virtual import run

REQUEST = TranscriptionRequest("en", "", 0.0, "json")

LIMIT = 30.0  # of a short inference, once some were measured
AWAY_SECONDS = 3.0


class Hanging:
    """A whisper-server whose inferences hang while its HTTP threads live on, and what kills it.

    hangs: how many of the next inferences do. hanging: the text of those, "" for any. crash: the
    text of the recording that crashes it.
    """

    def __init__(self, hangs: int = 0, hanging: str = "", crash: str = "") -> None:
        self.hangs = hangs
        self.hanging = hanging
        self.crash = crash
        self.kills = 0
        self.attempts = 0
        self._back = 0.0
        self._dead = asyncio.Event()
        self._mutex = asyncio.Lock()

    async def transcribe(self, audio: Audio, _: TranscriptionRequest) -> Transcript:
        self.attempts += 1
        if time.monotonic() < self._back:
            raise NotReachedError
        with audio.open() as file:
            text = file.read(1).decode()
        inference = asyncio.create_task(self._infer(text))
        death = asyncio.create_task(self._dead.wait())
        try:
            await asyncio.wait((inference, death), return_when=asyncio.FIRST_COMPLETED)
            if death.done():
                raise LostError(started=True)
            return await inference
        finally:
            inference.cancel()
            death.cancel()

    async def _infer(self, text: str) -> Transcript:
        async with self._mutex:
            await asyncio.sleep(0.2)
            if text == self.crash:
                self.die()
            if self.hangs and self.hanging in (text, ""):
                self.hangs -= 1
                await self._dead.wait()
            return Transcript((Segment(text),), duration=2.0)

    def die(self) -> None:
        self._dead.set()
        self._dead, self._mutex = asyncio.Event(), asyncio.Lock()
        self._back = time.monotonic() + AWAY_SECONDS

    async def restart(self) -> bool:
        self.kills += 1
        await asyncio.sleep(0.1)
        self.die()
        return True

    async def state(self) -> State:
        return "unreachable" if time.monotonic() < self._back else "ready"


class Case:
    """A dispatcher before a server that hangs, in virtual time."""

    def __init__(self, server: Hanging, concurrency: int = 1, *, restarts: bool = True) -> None:
        self.server = server
        self.admission = AdmissionQueue(concurrency, 32, 45)
        self.monitor = UpstreamMonitor(server, cost=self.admission.cost)  # type: ignore[arg-type]
        self.metrics = Metrics()
        self.restarter: Any = server if restarts else Restarter("")
        inferences = Inferences(
            server,  # type: ignore[arg-type]
            self.admission,
            self.monitor,
            self.metrics,
            self.restarter,
        )
        self.dispatcher = Dispatcher(inferences, self.admission, self.monitor, self.metrics, 45)

    async def ask(self, text: str = "a") -> str:
        audio = Wav(2.0, len(text), partial(io.BytesIO, text.encode()))
        return (await self.dispatcher.transcribe(audio, REQUEST)).text

    async def ask_if_idle(self, seconds: float = 2.0) -> Transcript | None:
        audio = Wav(seconds, 1, partial(io.BytesIO, b"a"))
        return await self.dispatcher.transcribe_if_idle(audio, REQUEST)

    async def failure(self) -> ApiError:
        with pytest.raises(ApiError) as caught:
            await self.ask()
        return caught.value

    async def measure(self) -> None:
        hangs, self.server.hangs = self.server.hangs, 0
        await self.ask()
        self.server.attempts = 0
        self.server.hangs = hangs

    def hung(self) -> float | None:
        return self.metrics.registry.get_sample_value("whisper_proxy_upstream_hung_total")


def test_it_is_killed_and_the_request_answered() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1))
        await case.measure()
        began = time.monotonic()
        assert await case.ask("b") == "b"
        assert LIMIT < time.monotonic() - began < LIMIT + AWAY_SECONDS + 1
        assert (case.server.kills, case.hung()) == (1, 1)
        assert case.monitor.state == "ready"

    run(main())


def test_the_next_in_the_queue_is_answered_too() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1))
        await case.measure()
        assert await asyncio.gather(*map(case.ask, "abcd")) == list("abcd")

    run(main())


def test_a_recording_that_hangs_it_twice_is_a_504() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=2))
        await case.measure()
        error = await case.failure()
        assert (error.status, error.code) == (504, "upstream_timeout")
        assert error.headers == {"x-should-retry": "false"}
        assert (case.server.kills, case.hung()) == (2, 2)
        assert await case.ask("b") == "b"

    run(main())


def test_without_a_restart_it_is_a_504_at_once() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1), restarts=False)
        await case.measure()
        began = time.monotonic()
        assert (await case.failure()).code == "upstream_timeout"
        assert time.monotonic() - began == pytest.approx(LIMIT)
        await case.monitor.check()  # its HTTP threads say that all is well
        assert (case.monitor.state, case.monitor.healthy) == ("hung", False)
        case.server.die()  # the operator kills it
        assert await case.ask("b") == "b"
        assert case.monitor.state == "ready"

    run(main())


def test_without_a_restart_it_is_seen_that_it_computes_again() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=2), restarts=False)
        await case.measure()
        await case.failure()
        await asyncio.sleep(70)  # a probe hangs too
        assert case.monitor.state == "hung"
        await asyncio.sleep(60)
        assert case.monitor.state == "ready"

    run(main())


def test_the_speed_is_that_of_what_was_asked_for() -> None:
    async def main() -> None:
        case = Case(Hanging())
        await case.ask_if_idle()
        factors = case.metrics.last_hour.columns()["real_time_factor"]
        assert factors[-1] is None
        await case.ask()
        factors = case.metrics.last_hour.columns()["real_time_factor"]
        assert factors[-1] == pytest.approx(0.1)

    run(main())


def test_what_hangs_in_spare_time_is_probed_too() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1), restarts=False)
        await case.measure()
        with pytest.raises(HungError):
            await case.ask_if_idle()
        assert case.monitor.state == "hung"
        await asyncio.sleep(70)
        assert case.monitor.state == "ready"

    run(main())


def test_what_is_done_in_spare_time_has_the_time_that_its_sound_takes() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1))
        await case.measure()
        began = time.monotonic()
        with pytest.raises(HungError):
            await case.ask_if_idle(seconds=300.0)
        assert time.monotonic() - began > 2 * LIMIT

    run(main())


def test_before_anything_is_measured_it_has_more_time() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1))
        began = time.monotonic()
        await case.ask()
        assert 300 < time.monotonic() - began < 350

    run(main())


def test_after_a_restart_it_has_more_time_again() -> None:
    async def main() -> None:
        case = Case(Hanging())
        await case.measure()
        case.server.die()
        await case.monitor.check()
        case.server.hangs = 1
        began = time.monotonic()
        await case.ask()
        assert time.monotonic() - began > 300

    run(main())


def test_the_client_that_waited_for_it_goes_away() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1))
        await case.measure()
        task = asyncio.create_task(case.ask())
        await asyncio.sleep(10)
        case.server.hangs = 1  # as it still computes the first one
        task.cancel()
        await asyncio.sleep(LIMIT + 1)
        assert case.server.kills == 1
        assert await case.ask("b") == "b"

    run(main())


def test_a_client_that_soon_goes_away_is_no_doubt() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1))
        await case.measure()
        task = asyncio.create_task(case.ask())
        await asyncio.sleep(2)
        task.cancel()
        await asyncio.sleep(100)
        assert (case.server.attempts, case.server.kills) == (1, 0)

    run(main())


def test_the_client_goes_away_while_it_is_restarted() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1))
        await case.measure()
        task = asyncio.create_task(case.ask())
        await asyncio.sleep(LIMIT + 0.05)
        task.cancel()
        await asyncio.sleep(0.1)
        assert case.server.kills == 1
        assert case.monitor.state == "unreachable"

    run(main())


def test_several_that_hang_at_once_are_one_restart() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=1), concurrency=3)
        await case.measure()
        assert await asyncio.gather(*map(case.ask, "abc")) == list("abc")
        assert case.server.kills == 1

    run(main())


def test_what_ran_beside_a_hang_is_not_blamed() -> None:
    async def main() -> None:
        case = Case(Hanging(hangs=2, hanging="x"), concurrency=2)
        await case.measure()
        first = asyncio.create_task(case.ask("x"))
        await asyncio.sleep(LIMIT - 1)
        assert await case.ask("b") == "b"
        with pytest.raises(ApiError, match="too long"):
            await first
        assert case.server.kills == 2

    run(main())


def test_what_ran_beside_a_crash_is_not_blamed() -> None:
    async def main() -> None:
        case = Case(Hanging(crash="x"), concurrency=4)
        await case.measure()
        results = await asyncio.gather(*map(case.ask, "axbc"), return_exceptions=True)
        assert [results[0], *results[2:]] == list("abc")
        assert isinstance(results[1], ApiError)
        assert results[1].code == "audio_crashes_server"

    run(main())
