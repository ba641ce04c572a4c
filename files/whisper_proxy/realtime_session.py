"""One live session: sound comes in, turns are found in it, and what was said goes out."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from . import realtime_config, realtime_events
from .audio import BYTES_A_SECOND
from .errors import ApiError, invalid
from .fields import Form
from .metrics import CommonMetrics
from .pcm import Intake
from .realtime_config import Config
from .realtime_events import ClientEvent, Event, new_id, server_event
from .realtime_work import Heard, Transcriber
from .turns import FIRST_FRAMES, FRAME_BYTES, Deltas, TurnDetection, Turns, bytes_to_milliseconds
from .voice import Voice, can_detect

LOG = logging.getLogger(__name__)

# Of sound that is taken in one turn of the event loop: it costs about 10 ms on an old processor.
SLICE_SECONDS = 0.2
# Of one turn: speech without a pause is cut then. Half of what a session may keep, so that the next
# turn is heard while this one is transcribed.
MAX_TURN_BYTES = 300 * BYTES_A_SECOND
MAX_KEPT_BYTES = 2 * MAX_TURN_BYTES
# Of new sound, before it is transcribed anew: so much, or as long as the last time took.
PARTIAL_SECONDS = 0.5
# For how long a turn is tried again when the queue is full or whisper-server away: nobody but this
# session has what was said. An upgrade with a large model takes a minute.
PATIENCE_SECONDS = 300.0
RETRY_SECONDS = 2.0

Send = Callable[[Event], Awaitable[None]]


@dataclass(eq=False)
class Turn:
    """What somebody says in one go. id: of the item that it becomes. pcm: its sound, at 16 kHz.

    form: how to transcribe it. partial_at: of its bytes, how many are to be there before it is
    transcribed before its end; None if it is not to be. ended: when, on the monotonic clock.
    """

    id: str
    form: Form
    pcm: bytearray = field(default_factory=bytearray)
    deltas: Deltas = field(default_factory=Deltas)
    partial_at: int | None = round(PARTIAL_SECONDS * BYTES_A_SECOND)
    ended: float = 0.0


class Session:
    """The state of one session, changed by a client's events.

    received: bytes of sound, as they came. turns: how many have ended.
    """

    def __init__(
        self,
        config: Config,
        transcriber: Transcriber,
        metrics: CommonMetrics,
        send: Send,
        *,
        beta: bool = False,
    ) -> None:
        self.id = new_id("sess")
        self.received = 0
        self.turns = 0
        self._config = config
        self._transcriber = transcriber
        self._metrics = metrics
        self._send = send
        self._beta = beta
        self._intake = Intake(config.format)
        self._pcm = bytearray()  # of no turn, or of none yet
        self._heard = 0  # bytes that were before that
        self._turn: Turn | None = None
        self._previous: str | None = None
        self._ended: list[Turn] = []
        self._awake: AbstractContextManager[None] | None = None
        self._changed = asyncio.Condition()
        self._detect(config.turn_detection)

    @property
    def _sound(self) -> bytearray:
        return self._turn.pcm if self._turn else self._pcm

    def _detect(self, detection: TurnDetection | None) -> None:
        speaking = self._turn is not None
        self._turns = Turns(detection, speaking=speaking) if detection else None
        self._voice = Voice() if detection else None
        self._framed = len(self._sound)

    async def begin(self) -> None:
        """Tell the client how the session is configured."""
        await self._tell_config("created")

    async def handle(self, event: ClientEvent) -> None:
        """Do what a client's event says, or raise ApiError, after which the session goes on."""
        if event.type == realtime_events.APPEND:
            await self._append(realtime_events.audio(event))
        elif event.type == realtime_events.COMMIT:
            await self._commit()
        elif event.type == realtime_events.CLEAR:
            await self._clear()
        elif event.type == realtime_events.UPDATE:
            await self._update(event.fields.get("session"))
        elif event.type == realtime_events.BETA_UPDATE:
            self._beta = True
            await self._update(realtime_config.from_beta(event.fields.get("session")))
        else:
            raise realtime_events.unknown(event)

    async def _update(self, session: object) -> None:
        config = realtime_config.updated(self._config, session)
        check(config, self._transcriber)
        before, self._config = self._config, config
        if config.format != before.format:
            self._intake = Intake(config.format)
        if config.turn_detection != before.turn_detection:
            self._detect(config.turn_detection)
        await self._tell_config("updated")

    async def _tell_config(self, what: str) -> None:
        if self._beta:
            shown = realtime_config.beta_session_object(self._config, self.id)
            await self._send(server_event(f"transcription_session.{what}", session=shown))
        else:
            shown = realtime_config.session_object(self._config, self.id)
            await self._send(server_event(f"session.{what}", session=shown))

    async def _append(self, data: bytes) -> None:
        self.received += len(data)
        size = round(SLICE_SECONDS * self._config.format.bytes_a_second)
        for at in range(0, len(data), size):
            await self._take(self._intake.feed(data[at : at + size]))
            await asyncio.sleep(0)  # others have their turn

    async def _take(self, pcm: bytes) -> None:
        await self._room_for(len(pcm))
        if self._turns is None and self._turn is None:
            self._begin_turn(self._pcm)
        self._sound.extend(pcm)
        while self._turns and len(self._sound) >= self._framed + FRAME_BYTES:
            await self._hear_frame(self._turns)
        await self._notify()

    async def _room_for(self, size: int) -> None:
        """Wait until there is room for more sound: the client waits too, as nothing is read."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._ended or self._kept(size))
        if self._kept(size):
            return
        if self._turns is None:
            limit = f"{MAX_KEPT_BYTES // BYTES_A_SECOND} s"
            message = f"The buffer has {limit} of sound, the most that it may: commit it first."
            raise ApiError(400, message, param="audio", code="input_audio_buffer_full")

    def _kept(self, size: int) -> bool:
        kept = len(self._sound) + sum(len(turn.pcm) for turn in self._ended)
        return kept + size <= MAX_KEPT_BYTES

    async def _hear_frame(self, turns: Turns) -> None:
        assert self._voice
        frame = bytes(self._sound[self._framed : self._framed + FRAME_BYTES])
        self._framed += FRAME_BYTES
        change = turns.next(self._voice.probability(frame))
        if change == "started":
            await self._speech_started()
        elif change == "stopped":
            await self._speech_stopped()
        elif self._turn and self._framed >= MAX_TURN_BYTES:
            turns.reset()
            await self._speech_stopped()
        elif not self._turn:
            self._forget(self._framed - self._before_speech())

    def _before_speech(self) -> int:
        detection = self._config.turn_detection
        return (detection.prefix_bytes if detection else 0) + FIRST_FRAMES * FRAME_BYTES

    def _forget(self, size: int) -> None:
        """Forget the oldest bytes of what belongs to no turn."""
        size = max(0, size)
        del self._pcm[:size]
        self._heard += size
        self._framed -= size

    async def _speech_started(self) -> None:
        self._forget(self._framed - self._before_speech())
        turn = self._begin_turn(self._pcm)
        at = bytes_to_milliseconds(self._heard)
        await self._tell_speech("started", turn, audio_start_ms=at)

    async def _speech_stopped(self) -> None:
        assert self._turn
        at = bytes_to_milliseconds(self._heard + self._framed)
        await self._tell_speech("stopped", self._turn, audio_end_ms=at)
        await self._end_turn(self._framed)

    async def _tell_speech(self, what: str, turn: Turn, **when: int) -> None:
        await self._send(server_event(f"input_audio_buffer.speech_{what}", item_id=turn.id, **when))

    def _begin_turn(self, pcm: bytearray) -> Turn:
        self._turn = Turn(new_id("item"), self._config.form, pcm)
        self._pcm = bytearray()
        if self._awake is None:
            self._awake = self._transcriber.awake()
            self._awake.__enter__()
        return self._turn

    async def _commit(self) -> None:
        if not self._sound:
            message = "The buffer has no sound to commit."
            raise ApiError(400, message, code="input_audio_buffer_commit_empty")
        if self._turn is None:
            self._begin_turn(self._pcm)
        if self._turns:
            self._turns.reset()
        await self._end_turn(len(self._sound))

    async def _end_turn(self, size: int) -> None:
        """Have the turn transcribed, with so many of its bytes; the others are of the next."""
        turn = self._turn
        assert turn
        self._pcm, self._turn = turn.pcm[size:], None
        del turn.pcm[size:]
        turn.form, turn.ended = self._config.form, time.monotonic()
        self._heard += size
        self._framed = max(0, self._framed - size)
        self._ended.append(turn)
        self.turns += 1
        for event in realtime_events.committed(turn.id, self._previous, beta=self._beta):
            await self._send(event)
        self._previous = turn.id
        await self._notify()

    async def _clear(self) -> None:
        self._heard += len(self._sound)
        self._pcm, self._turn, self._framed = bytearray(), None, 0
        self._intake = Intake(self._config.format)  # which may hold the first half of a sample
        if self._turns:
            self._turns.reset()
        self._rest()
        await self._send(server_event("input_audio_buffer.cleared"))

    async def finish(self) -> None:
        """End the turn that is spoken, and return when all that was said is transcribed."""
        if self._turn:
            await self._commit()
        async with self._changed:
            await self._changed.wait_for(lambda: not self._ended)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _rest(self) -> None:
        """Let what transcribes stop, if nobody speaks."""
        if self._awake and not self._ended and not self._turn:
            self._awake.__exit__(None, None, None)
            self._awake = None

    def close(self) -> None:
        """Forget all."""
        self._ended, self._turn = [], None
        self._rest()

    async def run(self) -> None:
        """Transcribe turns while they are spoken and when they have ended."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._transcribe_ended())
            tasks.create_task(self._transcribe_spoken())

    async def _transcribe_ended(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._ended)
            await self._transcribe(self._ended[0])
            self._ended.pop(0)
            self._rest()
            await self._notify()

    async def _transcribe(self, turn: Turn) -> None:
        try:
            heard = await self._until_heard(turn)
        except ApiError as error:
            LOG.warning("a turn was not transcribed: code=%s", error.code)
            await self._send(realtime_events.failed(turn.id, realtime_config.within(error)))
            return
        if rest := turn.deltas.final(heard["text"]):
            await self._send(realtime_events.delta(turn.id, rest))
        await self._send(realtime_events.completed(turn.id, dict(heard)))
        self._metrics.live_seconds.observe(time.monotonic() - turn.ended)

    async def _until_heard(self, turn: Turn) -> Heard:
        until = time.monotonic() + PATIENCE_SECONDS  # those before it had theirs
        while True:
            try:
                return await self._transcriber.transcribe(bytes(turn.pcm), turn.form)
            except ApiError as error:
                if error.status != 503 or time.monotonic() > until:
                    raise
                LOG.warning("a turn is tried again: code=%s", error.code)
            await asyncio.sleep(RETRY_SECONDS)

    async def _transcribe_spoken(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(self._has_partial)
            if self._turn:
                await self._transcribe_partly(self._turn)

    def _has_partial(self) -> bool:
        turn = self._turn
        return bool(turn and turn.partial_at is not None and len(turn.pcm) >= turn.partial_at)

    async def _transcribe_partly(self, turn: Turn) -> None:
        began, size = time.monotonic(), len(turn.pcm)
        try:
            heard = await self._transcriber.transcribe_if_idle(bytes(turn.pcm), turn.form)
        except ApiError:
            turn.partial_at = None  # whatever it was, it is for the whole turn to find out
            return
        seconds = max(PARTIAL_SECONDS, time.monotonic() - began)
        turn.partial_at = size + round(seconds * BYTES_A_SECOND)
        is_there = turn is self._turn or turn in self._ended
        if heard and is_there and (words := turn.deltas.heard(heard["text"])):
            await self._send(realtime_events.delta(turn.id, words))


def default_config() -> Config:
    """Return how a session is configured of which nothing is said."""
    return Config(turn_detection=TurnDetection() if can_detect() else None)


def check(config: Config, transcriber: Transcriber) -> None:
    """Raise ApiError unless a session can be so here."""
    try:
        transcriber.check(config.form)
    except ApiError as error:
        raise realtime_config.within(error) from None
    if config.turn_detection and not can_detect():
        raise _cannot_detect()


def _cannot_detect() -> ApiError:
    return invalid(
        realtime_config.TURN_DETECTION,
        "The server's processor has no AVX2, without which it cannot tell where turns end. Send "
        f"`{realtime_config.TURN_DETECTION}` null, and commit.",
        "unsupported_value",
    )
