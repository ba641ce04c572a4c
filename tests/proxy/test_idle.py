"""When whisper-server is stopped and started for want of requests. The clock is a virtual one."""

import asyncio
import io
import time
from contextlib import suppress
from functools import partial

import pytest
from whisper_proxy.admission import AdmissionQueue
from whisper_proxy.audio import Audio
from whisper_proxy.decode import Wav
from whisper_proxy.dispatch import Dispatcher
from whisper_proxy.errors import ApiError
from whisper_proxy.fields import TranscriptionRequest
from whisper_proxy.idle import IDLE, IdleStop, idle_status
from whisper_proxy.inference import Inferences
from whisper_proxy.metrics import Metrics
from whisper_proxy.notify import Notifier
from whisper_proxy.transcript import Segment, Transcript
from whisper_proxy.upstream import NotReachedError, State
from whisper_proxy.upstream_monitor import UpstreamMonitor

from .virtual import run

REQUEST = TranscriptionRequest("en", "", 0.0, "json")
SECONDS = 20  # without a request
MAX_WAIT = 45
INFERENCE, START, STOP = 0.2, 2.0, 0.5


class Machine:
    """A whisper-server and the systemd that starts and stops it.

    refuses: commands that systemd does not take. ill: what it says of itself when it runs.
    starts: how often it dies while it starts, and is started again.
    """

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.refuses: set[str] = set()
        self.ill: State | None = None
        self.dies = 0
        self.stop_seconds = STOP
        self.stopping = asyncio.Event()
        self._ready_at = 0.0

    @property
    def runs(self) -> bool:
        return time.monotonic() >= self._ready_at

    async def stop(self) -> bool:
        self.commands.append("stop")
        self.stopping.set()
        await asyncio.sleep(self.stop_seconds)
        if "stop" in self.refuses:
            return False
        self._ready_at = float("inf")
        return True

    async def start(self) -> bool:
        self.commands.append("start")
        self.stopping.clear()
        await asyncio.sleep(0.01)
        if "start" in self.refuses:
            return False
        if not self.runs:
            self._ready_at = time.monotonic() + START * (1 + self.dies)
        return True

    async def restart(self) -> bool:
        raise AssertionError("nothing hangs here")

    async def state(self) -> State:
        await asyncio.sleep(0.001)
        return (self.ill or "ready") if self.runs else "unreachable"

    async def transcribe(self, audio: Audio, _: TranscriptionRequest) -> Transcript:
        if not self.runs:
            raise NotReachedError
        await asyncio.sleep(INFERENCE)
        assert self.runs, "it was stopped in the middle of an inference"
        with audio.open() as file:
            return Transcript((Segment(file.read().decode()),), duration=2.0)


class Told(Notifier):
    """What systemd was told."""

    def __init__(self) -> None:
        super().__init__({})
        self.messages: list[str] = []

    def send(self, message: str) -> None:
        self.messages.append(message)


class Case:
    """A proxy before such a machine, polled as in the process."""

    def __init__(self, seconds: int = SECONDS) -> None:
        self.machine = machine = Machine()
        self.told = Told()
        self.admission = AdmissionQueue(1, 32, MAX_WAIT)
        self.monitor = UpstreamMonitor(machine, cost=self.admission.cost)  # type: ignore[arg-type]
        self.metrics = Metrics()
        self.idle = IdleStop(
            seconds,
            machine,  # type: ignore[arg-type]
            self.monitor,
            self.admission,
            self.metrics,
            self.told,
        )
        inferences = Inferences(
            machine,  # type: ignore[arg-type]
            self.admission,
            self.monitor,
            self.metrics,
            machine,  # type: ignore[arg-type]
        )
        self.dispatcher = Dispatcher(
            inferences, self.admission, self.monitor, self.metrics, MAX_WAIT
        )
        self._running = [asyncio.create_task(one.run()) for one in (self.monitor, self.idle)]

    async def ask(self, text: str = "a", upload_seconds: float = 0.0) -> str:
        """Ask as the endpoint does: the upload, then its turn."""
        audio = Wav(2.0, len(text), partial(io.BytesIO, text.encode()))
        with self.idle.request():
            await asyncio.sleep(upload_seconds)
            return (await self.dispatcher.transcribe(audio, REQUEST)).text

    async def falls_asleep(self) -> None:
        """Return when it has been stopped for want of requests."""
        await self.machine.stopping.wait()
        await asyncio.sleep(self.machine.stop_seconds + 1)
        assert self.monitor.state == "idle"

    async def wakes(self) -> None:
        while self.monitor.state != "ready":
            await asyncio.sleep(0.1)


def test_it_is_stopped_when_nothing_was_asked_for_so_long() -> None:
    async def main() -> None:
        case = Case()
        await case.ask()
        await asyncio.sleep(SECONDS - 2)
        assert case.machine.commands == []
        await asyncio.sleep(5)
        assert case.machine.commands == ["stop"]
        assert (case.monitor.state, case.monitor.healthy) == ("idle", True)
        assert case.monitor.unreachable_since is None
        await asyncio.sleep(200)
        assert case.machine.commands == ["stop"]
        assert case.monitor.state == "idle"

    run(main())


def test_what_nobody_has_ever_asked_is_stopped_too() -> None:
    async def main() -> None:
        case = Case()
        await asyncio.sleep(SECONDS + 5)
        assert case.machine.commands == ["stop"]

    run(main())


def test_it_is_never_stopped_where_nobody_wants_that() -> None:
    async def main() -> None:
        case = Case(seconds=0)
        await case.ask()
        await asyncio.sleep(20 * SECONDS)
        assert case.machine.commands == []
        assert case.told.messages == []

    run(main())


def test_the_next_request_starts_it_and_waits() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        began = time.monotonic()
        assert await case.ask("b") == "b"
        assert START < time.monotonic() - began < START + INFERENCE + 0.2
        assert case.machine.commands == ["stop", "start"]
        assert case.idle.wake_seconds == pytest.approx(START, abs=0.1)
        count = case.metrics.registry.get_sample_value("whisper_proxy_wake_seconds_count")
        assert count == 1

    run(main())


def test_it_is_started_by_the_first_bytes_and_ready_when_the_upload_is() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        began = time.monotonic()
        assert await case.ask("b", upload_seconds=10) == "b"
        assert time.monotonic() - began < 10 + INFERENCE + 0.1

    run(main())


def test_many_that_come_at_once_start_it_once() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        assert await asyncio.gather(*map(case.ask, "abcdefgh")) == list("abcdefgh")
        assert case.machine.commands == ["stop", "start"]

    run(main())


@pytest.mark.parametrize("after", [0.0, 0.001, 0.25, STOP - 0.001, STOP + 0.001])
def test_a_request_that_comes_while_it_is_stopped_is_served(after: float) -> None:
    async def main() -> None:
        case = Case()
        await case.machine.stopping.wait()
        await asyncio.sleep(after)
        assert await case.ask("b") == "b"
        assert case.machine.commands == ["stop", "start"]

    run(main())


def test_an_upload_that_is_under_way_keeps_it_running() -> None:
    async def main() -> None:
        case = Case()
        assert await case.ask(upload_seconds=10 * SECONDS) == "a"
        assert case.machine.commands == []

    run(main())


def test_a_probe_of_the_proxy_s_own_keeps_it_running() -> None:
    async def main() -> None:
        case = Case()
        async with case.admission.admitted(1.0):
            await asyncio.sleep(10 * SECONDS)
        assert case.machine.commands == []
        await case.falls_asleep()

    run(main())


@pytest.mark.parametrize("state", ["busy", "failing"])
def test_what_is_not_well_is_left_alone(state: State) -> None:
    async def main() -> None:
        case = Case()
        case.machine.ill = state
        await asyncio.sleep(10 * SECONDS)
        assert case.machine.commands == []
        case.machine.ill = None
        await asyncio.sleep(SECONDS - 5)
        assert case.machine.commands == []

    run(main())


def test_one_that_hangs_is_left_alone() -> None:
    async def main() -> None:
        case = Case()
        await case.ask()
        case.monitor.record_hung()
        await asyncio.sleep(10 * SECONDS)
        assert case.machine.commands == []

    run(main())


def test_who_starts_it_has_it_for_as_long() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        await asyncio.sleep(3 * SECONDS)
        await case.machine.start()
        await case.wakes()
        await asyncio.sleep(SECONDS - 5)
        assert case.monitor.state == "ready"
        assert case.machine.commands == ["stop", "start"]
        await case.falls_asleep()
        assert case.machine.commands == ["stop", "start", "stop"]
        assert case.idle.wake_seconds is None  # it was not for a request

    run(main())


def test_what_the_operator_stops_is_unreachable_and_stays_stopped() -> None:
    async def main() -> None:
        case = Case()
        await case.ask()
        await case.machine.stop()
        with pytest.raises(ApiError) as caught:
            await case.ask("b")
        assert caught.value.code == "upstream_unavailable"
        await asyncio.sleep(10 * SECONDS)
        assert case.machine.commands == ["stop"]
        assert case.monitor.state == "unreachable"
        assert case.told.messages == []

    run(main())


def test_one_that_dies_while_it_starts_is_waited_for() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        case.machine.dies = 5
        assert await case.ask("b") == "b"
        assert case.machine.commands == ["stop", "start"]

    run(main())


def test_one_that_does_not_start_is_given_up_a_wait_after_it_was_woken() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        case.machine.dies = 1000
        began = time.monotonic()
        with pytest.raises(ApiError) as caught:
            await case.ask("b")
        assert caught.value.code == "upstream_unavailable"
        assert MAX_WAIT <= time.monotonic() - began < MAX_WAIT + 1
        assert case.monitor.state == "unreachable"
        assert case.idle.wake_seconds is None

    run(main())


def test_a_start_that_systemd_does_not_take_is_tried_again() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        case.machine.refuses = {"start"}
        request = asyncio.create_task(case.ask("b"))
        await asyncio.sleep(5)
        assert case.machine.commands.count("start") > 3
        case.machine.refuses = set()
        assert await request == "b"

    run(main())


def test_who_waits_for_a_start_that_is_never_taken_is_told() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        case.machine.refuses = {"start"}
        with pytest.raises(ApiError) as caught:
            await case.ask("b")
        assert caught.value.code == "upstream_unavailable"
        case.machine.refuses = set()
        assert await case.ask("c") == "c"

    run(main())


def test_one_that_cannot_be_stopped_goes_on_serving() -> None:
    async def main() -> None:
        case = Case()
        case.machine.refuses = {"stop"}
        await asyncio.sleep(SECONDS + 5)
        assert case.machine.commands == ["stop", "start"]
        assert case.monitor.state == "ready"
        assert await case.ask("b") == "b"
        await asyncio.sleep(SECONDS - 5)
        assert case.machine.commands == ["stop", "start"]

    run(main())


def test_a_poll_of_one_that_is_being_stopped_does_not_wake_it() -> None:
    """It still answers, and what it has said may arrive when it has ended."""

    async def main() -> None:
        case = Case()
        case.machine.stop_seconds = 5.0
        await case.falls_asleep()
        case.monitor.record_stopping()
        late = asyncio.create_task(case.monitor.check())
        await asyncio.sleep(0)
        case.machine._ready_at = 0.0  # what it answers was said before it ended
        case.monitor.record_stopped()
        await late
        assert case.monitor.state == "idle"

    run(main())


def test_systemd_is_told_why_it_does_not_run() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        idle = f"STATUS={idle_status(SECONDS)}"
        assert case.told.messages == [idle]
        await case.ask("b")
        assert case.told.messages == [idle, "STATUS="]
        await case.falls_asleep()
        await case.machine.start()
        await case.wakes()
        await asyncio.sleep(1)
        assert case.told.messages == [idle, "STATUS="] * 2

    run(main())


@pytest.mark.parametrize(
    ("seconds", "words"), [(10, "10 s"), (90, "1 min 30 s"), (900, "15 min"), (5400, "1 h 30 min")]
)
def test_the_status_says_after_how_long(seconds: int, words: str) -> None:
    assert idle_status(seconds) == (
        f"{IDLE}: it was stopped after {words} without requests; the next one starts it"
    )


def test_who_gives_up_while_it_starts_leaves_it_to_the_others() -> None:
    async def main() -> None:
        case = Case()
        await case.falls_asleep()
        first, second = (asyncio.create_task(case.ask(text)) for text in "ab")
        await asyncio.sleep(0.1)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        assert await second == "b"

    run(main())
