"""Live sessions over real WebSockets, with the real VAD model, before a fake whisper-server.

tests/machines/test_realtime.py has a real one.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestServer
from whisper_proxy import realtime, realtime_session
from whisper_proxy.app import create_app
from whisper_proxy.keys import ADMISSION, IDLE_STOP, IN_FLIGHT, LIVE_SESSIONS
from whisper_proxy.settings import Settings

from . import fake_whisper as fake
from .fake_whisper import TEXT, FakeWhisper
from .live import COMPLETED, DELTA, FAILED, PATH, Live, live, silence, speech
from .samples import form

TRANSCRIPTIONS = "/v1/audio/transcriptions"
VAD_EVENTS = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


@pytest.fixture
def url(proxy: TestServer) -> str:
    return fake.address(proxy)


@pytest.fixture
async def client(session: aiohttp.ClientSession, url: str) -> AsyncIterator[Live]:
    """A session whose client commits, so that nothing depends on what is speech."""
    async with live(session, url) as opened:
        await opened.update({"turn_detection": None})
        await opened.until("session.updated")
        opened.events.clear()
        yield opened


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class TestTurns:
    async def test_the_events_of_a_turn_that_is_committed(self, client: Live) -> None:
        await client.append(speech()[:48000])
        await client.commit()
        completed = await client.until(COMPLETED)
        kinds = [kind for kind in client.kinds() if kind != DELTA]
        assert kinds == [*VAD_EVENTS[2:], COMPLETED]
        committed, added, done = (
            next(event for event in client.events if event["type"] == kind)
            for kind in VAD_EVENTS[2:]
        )
        item = committed["item_id"]
        assert committed["previous_item_id"] is None
        assert (
            added["item"]
            == done["item"]
            == {
                "id": item,
                "object": "realtime.item",
                "type": "message",
                "status": "completed",
                "role": "user",
                "content": [{"type": "input_audio", "transcript": None}],
            }
        )
        assert completed["item_id"] == item
        assert completed["content_index"] == 0
        assert completed["transcript"] == TEXT
        assert completed["usage"] == {"type": "duration", "seconds": 11}
        deltas = [event["delta"] for event in client.events if event["type"] == DELTA]
        assert "".join(deltas) == TEXT
        assert len({event["event_id"] for event in client.events}) == len(client.events)

    async def test_turns_are_found_in_speech(
        self, session: aiohttp.ClientSession, url: str, whisper: FakeWhisper
    ) -> None:
        async with live(session, url) as client:
            await client.append(speech() + silence(1))
            for _ in range(4):
                await client.until(COMPLETED)
        for kind in (*VAD_EVENTS, COMPLETED):
            assert client.kinds().count(kind) == 4
        starts = [e["audio_start_ms"] for e in client.events if "audio_start_ms" in e]
        ends = [e["audio_end_ms"] for e in client.events if "audio_end_ms" in e]
        assert starts == sorted(starts)
        assert all(start < end for start, end in zip(starts, ends, strict=True))
        assert starts[0] < 400
        assert 2300 < ends[0] < 3000
        assert 11000 < ends[-1] < 12000
        items = [e["item_id"] for e in client.events if e["type"] == VAD_EVENTS[2]]
        assert [e["item_id"] for e in client.events if e["type"] == COMPLETED] == items
        before = [e["previous_item_id"] for e in client.events if e["type"] == VAD_EVENTS[2]]
        assert before == [None, *items[:-1]]
        # The last turn went to whisper-server with what was before it.
        seconds = (len(whisper.audio) - 44) / 32000
        assert abs(seconds - (ends[-1] - starts[-1]) / 1000) < 0.02

    async def test_silence_is_no_turn(self, session: aiohttp.ClientSession, url: str) -> None:
        async with live(session, url) as client:
            await client.append(silence(3))
            await client.update()
            assert (await client.next())["type"] == "session.updated"

    async def test_what_is_spoken_can_be_committed(
        self, session: aiohttp.ClientSession, url: str
    ) -> None:
        async with live(session, url) as client:
            await client.append(speech()[: 48000 * 2])
            await client.until(VAD_EVENTS[0])
            await client.commit()
            await client.until(COMPLETED)
            assert "input_audio_buffer.speech_stopped" not in client.kinds()

    async def test_speech_without_a_pause_is_cut(
        self, session: aiohttp.ClientSession, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(realtime_session, "MAX_TURN_BYTES", 32000)
        async with live(session, url) as client:
            await client.append(speech() + silence(1))
            ended = [await client.until(COMPLETED) for _ in range(8)]
        assert len({event["item_id"] for event in ended}) == 8

    async def test_all_that_was_said_is_in_some_turn(
        self, client: Live, whisper: FakeWhisper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Sent at 16 kHz nothing is computed anew, so the bytes themselves have to be there."""
        monkeypatch.setattr(realtime_session.Session, "_has_partial", lambda _: False)
        client.beyond_openai = True
        await client.update({"format": {"type": "audio/pcm", "rate": 16000}})
        data = speech(16000)
        found = bytearray()
        for at in range(0, len(data), 44_001):  # an odd number: a sample may come in two parts
            await client.append(data[at : at + 44_001], piece=3333)
            await client.commit()
            await client.until(COMPLETED)
            found += whisper.audio[44:]
        assert bytes(found) == data

    @pytest.mark.parametrize(
        ("kind", "name", "rate"),
        [("audio/pcmu", "mulaw", 8000), ("audio/pcma", "alaw", 8000)],
    )
    async def test_g711(
        self,
        session: aiohttp.ClientSession,
        url: str,
        kind: str,
        name: str,
        rate: int,
        whisper: FakeWhisper,
    ) -> None:
        async with live(session, url) as client:
            await client.update({"format": {"type": kind}, "turn_detection": None})
            await client.append(speech(rate, name))
            await client.commit()
            await client.until(COMPLETED)
        assert abs((len(whisper.audio) - 44) / 32000 - 11) < 0.01

    async def test_clear(self, client: Live, whisper: FakeWhisper) -> None:
        await client.append(silence(1))
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
        await client.append(silence(0.5))
        await client.commit()
        await client.until(COMPLETED)
        assert len(whisper.audio) - 44 == 16000

    async def test_clear_forgets_half_a_sample_too(
        self, client: Live, whisper: FakeWhisper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(realtime_session.Session, "_has_partial", lambda _: False)
        client.beyond_openai = True
        await client.update({"format": {"type": "audio/pcm", "rate": 16000}})
        await client.append(b"\1\1\1")
        await client.send("input_audio_buffer.clear")
        await client.append(speech(16000)[:32000])
        await client.commit()
        await client.until(COMPLETED)
        assert whisper.audio[44:] == speech(16000)[:32000]

    async def test_less_than_whisper_takes_is_nothing(
        self, client: Live, whisper: FakeWhisper
    ) -> None:
        await client.append(silence(0.05))
        await client.commit()
        assert (await client.until(COMPLETED))["transcript"] == ""
        assert not whisper.audio


class TestConfiguration:
    async def test_it_is_told_at_once(self, session: aiohttp.ClientSession, url: str) -> None:
        async with live(session, url, "model=gpt-4o-transcribe") as client:
            (created,) = client.events
        assert created["type"] == "session.created"
        assert created["session"]["type"] == "transcription"
        assert created["session"]["audio"]["input"]["transcription"] == {
            "model": "gpt-4o-transcribe"
        }

    async def test_whisper_server_gets_what_was_asked_for(
        self, client: Live, whisper: FakeWhisper
    ) -> None:
        transcription = {"model": "gpt-4o-transcribe", "language": "de", "prompt": "Kennedy"}
        await client.update({"transcription": transcription})
        await client.append(silence(0.5))
        await client.commit()
        completed = await client.until(COMPLETED)
        assert whisper.fields["language"] == "de"
        assert whisper.fields["prompt"] == "Kennedy"
        assert completed["usage"]["type"] == "tokens"
        assert "logprobs" not in completed

    async def test_logprobs(self, client: Live, whisper: FakeWhisper) -> None:
        whisper.answer = fake.verbose_json([" Yes"])
        whisper.answer["segments"][0]["words"] = [{"word": " Yes", "probability": 1.0}]
        await client.update(include=["item.input_audio_transcription.logprobs"])
        await client.append(silence(0.5))
        await client.commit()
        (token,) = (await client.until(COMPLETED))["logprobs"]
        assert token == {"token": " Yes", "logprob": 0.0, "bytes": [*b" Yes"]}

    async def test_turn_detection_can_be_changed_while_somebody_speaks(self, client: Live) -> None:
        await client.append(speech()[: 48000 * 2])
        await client.update({"turn_detection": {"type": "server_vad"}})
        await client.append(speech()[48000 * 2 :] + silence(1))
        kinds = [(await client.until(COMPLETED)) and client.kinds() for _ in range(4)][-1]
        assert kinds.count("input_audio_buffer.speech_started") == 3  # the first had begun
        assert kinds.count("input_audio_buffer.speech_stopped") == 4

    async def test_the_beta(self, session: aiohttp.ClientSession, url: str) -> None:
        async with live(session, url, headers={"OpenAI-Beta": "realtime=v1"}) as client:
            assert client.kinds() == ["transcription_session.created"]
            assert client.events[0]["session"]["input_audio_format"] == "pcm16"
            await client.send(
                "transcription_session.update",
                session={"input_audio_format": "g711_ulaw", "turn_detection": None},
            )
            updated = await client.until("transcription_session.updated")
            assert updated["session"]["input_audio_format"] == "g711_ulaw"
            await client.append(speech(8000, "mulaw"))
            await client.commit()
            await client.until(COMPLETED)
        kinds = client.kinds()
        assert "conversation.item.created" in kinds
        assert "conversation.item.added" not in kinds

    async def test_without_avx2_the_client_has_to_commit(
        self, session: aiohttp.ClientSession, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(realtime_session, "can_detect", lambda: False)
        async with live(session, url) as client:
            assert client.events[0]["session"]["audio"]["input"]["turn_detection"] is None
            await client.update({"turn_detection": {"type": "server_vad"}})
            error = (await client.until("error"))["error"]
            assert error["param"] == "session.audio.input.turn_detection"
            assert "AVX2" in error["message"]
        made = f"{url}{PATH}/client_secrets"
        async with session.post(made) as response:
            shown = (await response.json())["session"]["audio"]["input"]
            assert shown["turn_detection"] is None
        body = {"session": {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        async with session.post(made, json=body) as response:
            error = (await response.json())["error"]
            assert (response.status, error["param"]) == (
                400,
                "session.audio.input.turn_detection",
            )


BAD_EVENTS: list[tuple[Any, str | None, str]] = [
    ("{", None, "invalid_json"),
    ("[]", None, "invalid_json"),
    ("[" * 100_000, None, "invalid_json"),
    (b"\0\1", None, "invalid_json"),
    ({}, "type", "invalid_value"),
    ({"type": "response.create"}, "type", "invalid_value"),
    ({"type": 7}, "type", "invalid_value"),
    ({"type": "input_audio_buffer.append"}, "audio", "invalid_value"),
    ({"type": "input_audio_buffer.append", "audio": "é"}, "audio", "invalid_value"),
    ({"type": "input_audio_buffer.append", "audio": "abc"}, "audio", "invalid_value"),
    ({"type": "input_audio_buffer.commit"}, None, "input_audio_buffer_commit_empty"),
    ({"type": "session.update"}, "session", "invalid_value"),
    (
        {"type": "session.update", "session": {"type": "realtime"}},
        "session.type",
        "invalid_value",
    ),
    (
        {
            "type": "session.update",
            "session": {"audio": {"input": {"transcription": {"language": "xx"}}}},
        },
        "session.audio.input.transcription.language",
        "invalid_value",
    ),
    (
        {"type": "transcription_session.update", "session": {"input_audio_format": "mp3"}},
        "session.input_audio_format",
        "invalid_value",
    ),
]


class TestErrors:
    @pytest.mark.parametrize(("event", "param", "code"), BAD_EVENTS)
    async def test_an_error_names_its_cause_and_the_session_goes_on(
        self, client: Live, event: Any, param: str | None, code: str
    ) -> None:
        if isinstance(event, bytes):
            await client.socket.send_bytes(event)
        elif isinstance(event, str):
            await client.socket.send_str(event)
        else:
            await client.socket.send_json({**event, "event_id": "mine"})
        error = (await client.next())["error"]
        assert error["type"] == "invalid_request_error"
        assert (error["param"], error["code"]) == (param, code)
        assert error["event_id"] == ("mine" if isinstance(event, dict) else None)
        await client.append(silence(0.5))
        await client.commit()
        await client.until(COMPLETED)

    async def test_a_client_s_id_comes_back_whatever_it_is(self, client: Live) -> None:
        await client.socket.send_str('{"type": "no", "event_id": "\\ud800"}')
        assert (await client.next())["error"]["event_id"] == "\ud800"

    async def test_a_wrong_value_changes_nothing(self, client: Live) -> None:
        await client.update({"format": {"type": "audio/pcmu"}, "turn_detection": "no"})
        await client.until("error")
        await client.update()
        shown = (await client.until("session.updated"))["session"]["audio"]["input"]
        assert shown["format"]["type"] == "audio/pcm"

    async def test_a_turn_that_cannot_be_transcribed(
        self, client: Live, whisper: FakeWhisper
    ) -> None:
        whisper.error = fake.STOF
        await client.append(silence(0.5))
        await client.commit()
        failed = await client.until(FAILED)
        assert failed["item_id"]
        assert failed["error"]["code"] == "upstream_error"
        whisper.error = None
        await client.append(silence(0.5))
        await client.commit()
        await client.until(COMPLETED)

    async def test_a_full_buffer(self, client: Live, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(realtime_session, "MAX_KEPT_BYTES", 32000)
        await client.append(silence(1.5))
        error = (await client.until("error"))["error"]
        assert error["code"] == "input_audio_buffer_full"
        await client.commit()
        await client.until(COMPLETED)

    async def test_a_message_that_is_too_large(
        self, session: aiohttp.ClientSession, url: str, proxy: TestServer
    ) -> None:
        async with live(session, url) as client:
            with suppress(ConnectionError):  # what is left of it is not read any more
                await client.socket.send_str(" " * (realtime.MAX_MESSAGE_BYTES + 1))
                message = await client.socket.receive(timeout=5)
                assert message.data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        await until(lambda: proxy.app[LIVE_SESSIONS].open == 0)

    async def test_plain_http(self, session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url + PATH) as response:
            assert response.status == 426
            assert response.headers["Upgrade"] == "websocket"
            assert (await response.json())["error"]["code"] == "websocket_required"

    async def test_a_failure_of_the_proxy_s_own(
        self, client: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(realtime_session.Session, "_clear", None)
        await client.send("input_audio_buffer.clear")
        message = await client.socket.receive(timeout=5)
        assert message.data == aiohttp.WSCloseCode.INTERNAL_ERROR
        assert "a live session failed" in caplog.messages


class TestQueue:
    async def test_partial_transcripts_while_somebody_speaks(
        self, client: Live, whisper: FakeWhisper
    ) -> None:
        for _ in range(3):
            await client.append(silence(1))
            await asyncio.sleep(0.1)
        delta = await client.until(DELTA)
        assert delta["delta"] == TEXT.rpartition(" ")[0]  # the last word may be half of one
        await client.commit()
        rest = await client.until(DELTA)
        completed = await client.until(COMPLETED)
        assert delta["delta"] + rest["delta"] == completed["transcript"]

    async def test_a_file_does_not_wait_for_a_partial_one(
        self, client: Live, whisper: FakeWhisper, session: aiohttp.ClientSession, url: str
    ) -> None:
        whisper.seconds = 30
        await client.append(silence(1))
        await asyncio.wait_for(whisper.started.wait(), 5)
        whisper.seconds = 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with session.post(url + TRANSCRIPTIONS, data=form()) as response:
            assert response.status == 200
        assert loop.time() - began < 2
        assert whisper.aborted.is_set()

    async def test_nothing_partial_beside_a_file(
        self, client: Live, whisper: FakeWhisper, session: aiohttp.ClientSession, url: str
    ) -> None:
        whisper.seconds = 1
        async with asyncio.TaskGroup() as tasks:
            posted = tasks.create_task(session.post(url + TRANSCRIPTIONS, data=form()))
            await asyncio.wait_for(whisper.started.wait(), 5)
            await client.append(silence(2))
            await asyncio.sleep(0.5)
        assert whisper.max_running == 1
        posted.result().close()

    async def test_a_turn_waits_in_the_queue_of_files(
        self, client: Live, whisper: FakeWhisper, proxy: TestServer
    ) -> None:
        admission = proxy.app[ADMISSION]
        async with admission.admitted(10):
            await client.append(silence(1))
            await client.commit()
            await until(lambda: admission.waiting == 1)
            assert not whisper.audio
        await client.until(COMPLETED)

    async def test_a_turn_that_the_queue_has_no_room_for_is_tried_again(
        self, client: Live, proxy: TestServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(realtime_session, "RETRY_SECONDS", 0.05)
        admission = proxy.app[ADMISSION]
        monkeypatch.setattr(admission, "limit", 0)
        async with admission.admitted(10):
            await client.append(silence(1))
            await client.commit()
            await client.until("conversation.item.done")
            await asyncio.sleep(0.3)
        assert (await client.until(COMPLETED))["transcript"] == TEXT

    async def test_in_the_end_it_is_given_up(
        self, client: Live, whisper_server: TestServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(realtime_session, "RETRY_SECONDS", 0.05)
        monkeypatch.setattr(realtime_session, "PATIENCE_SECONDS", 0.5)
        await whisper_server.close()
        await client.append(silence(1))
        await client.commit()
        failed = await client.until(FAILED)
        assert failed["error"]["code"] == "upstream_unavailable"

    async def test_a_crash_loses_nothing(self, client: Live, whisper: FakeWhisper) -> None:
        await client.append(silence(0.3))  # too little for a partial one
        whisper.crashes = 1
        await client.commit()
        assert (await client.until(COMPLETED))["transcript"] == TEXT

    async def test_a_crash_in_a_partial_one_loses_nothing_and_is_not_repeated(
        self, client: Live, whisper: FakeWhisper
    ) -> None:
        whisper.crashes = 1
        await client.append(silence(1))
        await until(lambda: whisper.crashes == 0)
        whisper.audio = b""
        await client.append(silence(3))
        await asyncio.sleep(0.3)
        assert not whisper.audio
        await client.commit()
        assert (await client.until(COMPLETED))["transcript"] == TEXT


class TestBounds:
    @pytest.fixture
    def settings(self, whisper_server: TestServer) -> Settings:
        url = fake.address(whisper_server)
        return Settings(upstream=url, model="small", max_wait=1, live_sessions=2)

    async def test_so_many_sessions(
        self, session: aiohttp.ClientSession, url: str, proxy: TestServer
    ) -> None:
        async with live(session, url), live(session, url):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with live(session, url):
                    pass
            assert caught.value.status == 503
            async with session.get(url + "/health") as response:
                assert (await response.json())["live"] == {"sessions": 2, "limit": 2}
        await until(lambda: proxy.app[LIVE_SESSIONS].open == 0)
        async with live(session, url):
            pass

    async def test_none_at_all(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        async with TestServer(create_app(replace(settings, live_sessions=0))) as without:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with live(session, fake.address(without)):
                    pass
        assert caught.value.status == 404

    async def test_who_goes_away_frees_everything_at_once(
        self,
        session: aiohttp.ClientSession,
        url: str,
        proxy: TestServer,
        whisper: FakeWhisper,
    ) -> None:
        whisper.seconds = 30
        async with live(session, url) as client:
            await client.update({"turn_detection": None})
            await client.append(silence(1))
            await client.commit()
            await asyncio.wait_for(whisper.started.wait(), 5)
            client.socket._response.connection.transport.abort()  # as when a cable is pulled
        await asyncio.wait_for(whisper.aborted.wait(), 2)
        await until(lambda: proxy.app[LIVE_SESSIONS].open == 0, 2)
        admission = proxy.app[ADMISSION]
        assert (admission.running, admission.waiting) == (0, 0)
        assert proxy.app[IDLE_STOP]._requests == 0

    async def test_who_sends_nothing_makes_room(
        self, session: aiohttp.ClientSession, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(realtime, "IDLE_SECONDS", 0.2)
        async with live(session, url) as client:
            assert (await client.until("error"))["error"]["code"] == "session_expired"
            message = await client.socket.receive(timeout=5)
            assert message.type == WSMsgType.CLOSE

    async def test_whisper_server_is_kept_awake_while_somebody_speaks_and_no_longer(
        self, session: aiohttp.ClientSession, url: str, proxy: TestServer
    ) -> None:
        idle_stop = proxy.app[IDLE_STOP]
        async with live(session, url) as client:
            await client.append(silence(1))
            await client.update()
            await client.until("session.updated")
            assert idle_stop._requests == 0
            await client.append(speech()[: 48000 * 2])
            await client.until(VAD_EVENTS[0])
            assert idle_stop._requests == 1
            await client.append(silence(1))
            await client.until(COMPLETED)
            await until(lambda: idle_stop._requests == 0)

    async def test_a_stop_of_the_proxy_ends_what_is_spoken_and_waits_for_it(
        self, session: aiohttp.ClientSession, url: str, proxy: TestServer
    ) -> None:
        async with live(session, url) as client:
            await client.update({"turn_detection": None})
            await client.append(silence(1))
            await client.until("session.updated")
            await asyncio.sleep(0.2)
            drained = asyncio.create_task(proxy.app[IN_FLIGHT].drain(10))
            assert (await client.until(COMPLETED))["transcript"] == TEXT
            message = await client.socket.receive(timeout=5)
            assert message.type == WSMsgType.CLOSE
            assert message.data == aiohttp.WSCloseCode.SERVICE_RESTART
            assert await drained == 0
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with live(session, url):
                pass
        assert caught.value.status == 503


KEY = "sk-local"


class TestAccess:
    @pytest.fixture
    def settings(self, whisper_server: TestServer, tmp_path: Path) -> Settings:
        file = tmp_path / "key"
        file.write_text(KEY)
        return Settings(
            upstream=fake.address(whisper_server),
            api_key_file=str(file),
            cors_origins=("https://chat.lan",),
        )

    async def refused(self, session: aiohttp.ClientSession, url: str, **how: Any) -> int:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with live(session, url, **how):
                pass
        return caught.value.status

    async def test_the_key(self, session: aiohttp.ClientSession, url: str) -> None:
        async with live(session, url, headers={"Authorization": f"Bearer {KEY}"}):
            pass
        assert await self.refused(session, url) == 401
        assert await self.refused(session, url, headers={"Authorization": "Bearer no"}) == 401

    async def test_a_page_s_key(self, session: aiohttp.ClientSession, url: str) -> None:
        protocols = ("realtime", f"openai-insecure-api-key.{KEY}")
        async with live(session, url, protocols=protocols) as client:
            assert client.socket.protocol == "realtime"
        wrong = ("realtime", "openai-insecure-api-key.no")
        assert await self.refused(session, url, protocols=wrong) == 401

    async def test_the_log_has_no_key(
        self, session: aiohttp.ClientSession, url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with live(session, url, protocols=(f"openai-insecure-api-key.{KEY}",)):
            pass
        assert KEY not in caplog.text

    async def test_strangers_pages(self, session: aiohttp.ClientSession, url: str) -> None:
        key = {"Authorization": f"Bearer {KEY}"}
        stranger = {**key, "Origin": "https://evil.example"}
        assert await self.refused(session, url, headers=stranger) == 403
        assert await self.refused(session, url, headers={**key, "Host": "evil.example"}) == 403
        async with live(session, url, headers={**key, "Origin": "https://chat.lan"}):
            pass

    async def made(
        self, http: aiohttp.ClientSession, url: str, what: str = "client_secrets", **body: Any
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with http.post(f"{url}{PATH}/{what}", json=body, headers=headers) as response:
            found: dict[str, Any] = await response.json()
            assert response.status == 200, found
        return found

    async def test_a_client_secret(self, session: aiohttp.ClientSession, url: str) -> None:
        transcription = {"model": "whisper-1", "language": "de"}
        body = {"type": "transcription", "audio": {"input": {"transcription": transcription}}}
        made = await self.made(session, url, session=body, expires_after={"seconds": 60})
        assert made["session"]["expires_at"] == made["expires_at"]
        secret = made["value"]
        protocols = ("realtime", f"openai-insecure-api-key.{secret}")
        for how in ({"protocols": protocols}, {"headers": {"Authorization": f"Bearer {secret}"}}):
            async with live(session, url, **how) as client:
                shown = client.events[0]["session"]["audio"]["input"]
                assert shown["transcription"] == transcription

    async def test_a_client_secret_opens_nothing_else(
        self, session: aiohttp.ClientSession, url: str
    ) -> None:
        secret = (await self.made(session, url))["value"]
        headers = {"Authorization": f"Bearer {secret}"}
        for path in ("/v1/models", "/v1/models/realtime", "/metrics"):
            async with session.get(url + path, headers=headers) as response:
                assert response.status == 401
        for path in (TRANSCRIPTIONS, f"{PATH}/client_secrets"):
            async with session.post(url + path, headers=headers) as response:
                assert response.status == 401

    async def test_the_beta_s_client_secret(self, session: aiohttp.ClientSession, url: str) -> None:
        made = await self.made(session, url, "transcription_sessions", input_audio_format="pcm16")
        assert made["input_audio_format"] == "pcm16"
        secret = made["client_secret"]["value"]
        async with live(session, url, headers={"Authorization": f"Bearer {secret}"}):
            pass

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"expires_after": {"seconds": 9}}, "expires_after.seconds"),
            ({"expires_after": {"seconds": 7201}}, "expires_after.seconds"),
            ({"expires_after": {"seconds": "60"}}, "expires_after.seconds"),
            ({"session": {"type": "realtime"}}, "session.type"),
            ([], None),
        ],
    )
    async def test_secrets_that_are_refused(
        self, session: aiohttp.ClientSession, url: str, body: Any, param: str | None
    ) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        where = f"{url}{PATH}/client_secrets"
        async with session.post(where, json=body, headers=headers) as response:
            assert response.status == 400
            assert (await response.json())["error"]["param"] == param

    async def test_a_large_body(self, session: aiohttp.ClientSession, url: str) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        body = json.dumps({"x": "x" * 70_000}).encode()
        where = f"{url}{PATH}/client_secrets"
        async with session.post(where, data=body, headers=headers) as response:
            assert response.status == 413


async def test_a_body_that_stalls(settings: Settings) -> None:
    async with TestServer(create_app(replace(settings, idle_timeout=1))) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        head = f"POST {PATH}/client_secrets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"
        writer.write(f"{head}\r\n{{".encode())
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()


async def test_without_a_key_any_will_do(session: aiohttp.ClientSession, url: str) -> None:
    for key in ("none", "ek_none"):
        protocols = ("realtime", f"openai-insecure-api-key.{key}")
        async with live(session, url, protocols=protocols):
            pass


async def test_without_a_key_a_secret_has_its_session_still(
    session: aiohttp.ClientSession, url: str
) -> None:
    body = {"session": {"audio": {"input": {"transcription": {"language": "de"}}}}}
    async with session.post(f"{url}{PATH}/client_secrets", json=body) as response:
        secret = (await response.json())["value"]
    async with live(session, url, headers={"Authorization": f"Bearer {secret}"}) as client:
        shown = client.events[0]["session"]["audio"]["input"]
        assert shown["transcription"] == {"language": "de"}


async def test_the_log_has_no_words(
    client: Live, proxy: TestServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await client.update({"transcription": {"prompt": "secret words"}})
    await client.append(silence(0.5))
    await client.commit()
    await client.until(COMPLETED)
    await client.socket.close()
    await until(lambda: proxy.app[LIVE_SESSIONS].open == 0)
    await until(lambda: any("path=/v1/realtime" in line for line in caplog.messages))
    (line,) = (line for line in caplog.messages if "path=/v1/realtime" in line)
    assert "status=101 outcome=ok audio_bytes=24000 " in line
    assert "turns=1" in line
    assert "secret" not in caplog.text
    assert "country" not in caplog.text


async def test_the_metrics(client: Live, session: aiohttp.ClientSession, url: str) -> None:
    await client.append(silence(0.5))
    await client.commit()
    await client.until(COMPLETED)
    async with session.get(f"{url}/metrics") as response:
        text = await response.text()
    assert "whisper_proxy_live_sessions 1.0" in text
    assert "whisper_proxy_live_seconds_count 1.0" in text
