"""What becomes of requests when whisper-server goes away or hangs."""

import asyncio
import io
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from whisper_proxy import dispatch as module
from whisper_proxy import probe
from whisper_proxy.admission import AdmissionQueue
from whisper_proxy.audio import Audio
from whisper_proxy.decode import Wav
from whisper_proxy.dispatch import Dispatcher
from whisper_proxy.errors import ApiError
from whisper_proxy.fields import TranscriptionRequest
from whisper_proxy.inference import Inferences
from whisper_proxy.metrics import Metrics
from whisper_proxy.restart import Restarter
from whisper_proxy.transcript import Segment, Transcript
from whisper_proxy.upstream import LostError, NotReachedError, State
from whisper_proxy.upstream_monitor import UpstreamMonitor

REQUEST = TranscriptionRequest("en", "", 0.0, "json")
PROMPTED = replace(REQUEST, prompt="Words.")
REFUSED = NotReachedError()
CUT_IN_SENDING = LostError(started=False)
CRASHED = LostError(started=True)


@dataclass
class Script:
    """An upstream that fails as scripted, then answers with the first byte of the audio.

    A server over HTTP, real or fake, cannot be made to fail in exactly these orders.
    """

    failures: list[Exception] = field(default_factory=list)
    states: list[State] = field(default_factory=list)  # what it then says of itself, then "ready"
    attempts: int = 0
    running: int = 0
    max_running: int = 0
    prompts: list[str] = field(default_factory=list)
    probes: int = 0

    async def transcribe(self, audio: Audio, request: TranscriptionRequest) -> Transcript:
        self.attempts += 1
        self.probes += audio is probe.AUDIO
        self.prompts.append(request.prompt)
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.failures:
            raise self.failures.pop(0)
        with audio.open() as file:
            return Transcript((Segment(file.read(1).decode()),), duration=2.0)

    async def state(self) -> State:
        return self.states.pop(0) if self.states else "ready"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.001)
    return Script()


@pytest.fixture
def dispatcher(script: Any) -> Dispatcher:
    admission = AdmissionQueue(1, 32, 5)
    monitor = UpstreamMonitor(script, cost=admission.cost)
    metrics = Metrics()
    inferences = Inferences(script, admission, monitor, metrics, Restarter(""))
    return Dispatcher(inferences, admission, monitor, metrics, max_wait=0.5)


def recording(text: str, seconds: float = 2.0) -> Wav:
    return Wav(seconds, len(text), partial(io.BytesIO, text.encode()))


async def ask(
    dispatcher: Dispatcher, text: str = "a", request: TranscriptionRequest = REQUEST
) -> str:
    return (await dispatcher.transcribe(recording(text), request)).text


async def failure(dispatcher: Dispatcher) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await ask(dispatcher)
    return caught.value


@pytest.mark.parametrize(
    "failures",
    [
        [],
        [REFUSED] * 5,
        [CRASHED],
        [CRASHED, *[REFUSED] * 5],
        [CUT_IN_SENDING] * 3,
        [REFUSED, CUT_IN_SENDING, CRASHED, REFUSED, CUT_IN_SENDING],
    ],
)
async def test_it_is_retried_until_there_is_an_answer(
    dispatcher: Dispatcher, script: Script, failures: list[Exception]
) -> None:
    script.failures = list(failures)
    assert await ask(dispatcher) == "a"
    assert script.attempts == len(failures) + 1


@pytest.mark.parametrize("failures", [[CRASHED, CRASHED], [CRASHED, REFUSED, REFUSED, CRASHED]])
async def test_a_recording_that_crashes_the_server_twice_is_refused(
    dispatcher: Dispatcher, script: Script, failures: list[Exception]
) -> None:
    script.failures = list(failures)
    error = await failure(dispatcher)
    assert (error.status, error.code, error.param) == (422, "audio_crashes_server", "file")
    assert script.attempts - script.probes == len(failures)
    assert await ask(dispatcher, "next") == "n"


@pytest.mark.parametrize("problem", [REFUSED, CUT_IN_SENDING])
async def test_a_server_that_stays_away_is_a_503(
    dispatcher: Dispatcher, script: Script, problem: Exception
) -> None:
    script.failures = [problem] * 10000
    error = await failure(dispatcher)
    assert (error.status, error.code) == (503, "upstream_unavailable")
    assert error.headers == {"Retry-After": "5"}
    assert 1 < script.attempts < 10000


async def test_a_server_that_has_long_been_away_is_tried_once(
    dispatcher: Dispatcher, script: Script
) -> None:
    script.failures = [REFUSED] * 10000
    await failure(dispatcher)
    script.attempts = 0
    await failure(dispatcher)
    assert script.attempts == 1
    script.failures = []
    assert await ask(dispatcher) == "a"


async def test_each_request_gets_its_own_answer_one_at_a_time(
    dispatcher: Dispatcher, script: Script
) -> None:
    script.failures = [CRASHED, REFUSED]
    texts = "abcdefgh"
    assert await asyncio.gather(*(ask(dispatcher, text) for text in texts)) == list(texts)
    assert script.max_running == 1


async def test_a_final_answer_is_final(dispatcher: Dispatcher, script: Script) -> None:
    script.failures = [ApiError(400, "No.")]
    assert (await failure(dispatcher)).status == 400
    assert script.attempts == 1


async def test_a_request_can_be_cancelled_while_the_server_is_away(
    dispatcher: Dispatcher, script: Script
) -> None:
    script.failures = [REFUSED] * 10
    task = asyncio.create_task(ask(dispatcher))
    await asyncio.sleep(0.005)
    task.cancel()
    script.failures = []
    assert await ask(dispatcher, "next") == "n"


async def test_a_prompt_that_crashes_the_server_is_left_out(
    dispatcher: Dispatcher, script: Script
) -> None:
    script.failures = [CRASHED, CRASHED]
    assert await ask(dispatcher, "a", PROMPTED) == "a"
    assert script.prompts == ["Words.", "Words.", ""]


async def test_a_recording_that_crashes_the_server_without_its_prompt_is_refused(
    dispatcher: Dispatcher, script: Script
) -> None:
    script.failures = [CRASHED] * 3
    with pytest.raises(ApiError) as caught:
        await ask(dispatcher, "a", PROMPTED)
    assert caught.value.code == "audio_crashes_server"
    assert (script.attempts, script.probes) == (4, 1)


async def test_a_server_that_crashes_on_silence_too_is_to_blame_itself(
    dispatcher: Dispatcher, script: Script
) -> None:
    script.failures = [CRASHED] * 3
    error = await failure(dispatcher)
    assert (error.status, error.code) == (503, "upstream_unavailable")


async def test_a_server_that_refuses_silence_is_alive(
    dispatcher: Dispatcher, script: Script
) -> None:
    script.failures = [CRASHED, CRASHED, ApiError(502, "No.")]
    assert (await failure(dispatcher)).code == "audio_crashes_server"


async def test_a_server_that_does_not_come_back_has_not_shown_the_cause(
    dispatcher: Dispatcher, script: Script
) -> None:
    script.failures = [CRASHED, CRASHED] + [REFUSED] * 10000
    assert (await failure(dispatcher)).code == "upstream_unavailable"


async def test_a_dying_process_is_sent_nothing(dispatcher: Dispatcher, script: Script) -> None:
    script.failures = [CRASHED]
    script.states = ["busy"] * 3 + ["unreachable"] * 3
    assert await ask(dispatcher) == "a"
    assert (script.attempts, script.states) == (2, [])
