"""A gateway, the real HAProxy, and fake members: what a client sees through a pool."""

import asyncio
import io
import json
import logging
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from whisper_proxy import pool, pool_monitor
from whisper_proxy.app import create_app
from whisper_proxy.keys import POOL_MONITOR, SPOOLS
from whisper_proxy.settings import Settings
from yarl import URL

from tests.ports import free_port
from voicemode_whisper.core.pool import Member, Pool, drain_commands, ready_commands

from .fake_member import FakeMember
from .fake_whisper import address
from .haproxy import needs_haproxy
from .live import COMPLETED, FAILED, Live, live
from .live import silence as live_silence
from .pool import Haproxy
from .raw import FORM, end, part
from .samples import Client, form, silence

pytestmark = [pytest.mark.slow, needs_haproxy]

PATH = "/v1/audio/transcriptions"
MAX_WAIT = 3
Ask = Callable[..., Awaitable[tuple[int, dict[str, object]]]]


@pytest.fixture(autouse=True)
def _quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_monitor, "POLL_SECONDS", 0.05)


@pytest.fixture
async def members() -> AsyncIterator[dict[str, tuple[FakeMember, TestServer]]]:
    fakes = [FakeMember(f"m{number}") for number in range(3)]
    servers = {fake.name: (fake, await fake.serve()) for fake in fakes}
    yield servers
    for _, server in servers.values():
        await server.close()


@pytest.fixture
def fakes(members: dict[str, tuple[FakeMember, TestServer]]) -> dict[str, FakeMember]:
    return {name: fake for name, (fake, _) in members.items()}


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    # Not pytest's folder, whose path is too long for a socket.
    with tempfile.TemporaryDirectory(prefix="pool-") as name:
        yield Path(name)


@pytest.fixture
async def haproxy(
    members: dict[str, tuple[FakeMember, TestServer]], folder: Path
) -> AsyncIterator[Haproxy]:
    listed = (Member(name, "127.0.0.1", server.port or 0) for name, (_, server) in members.items())
    settings = Pool(tuple(listed), str(folder), stats_port=free_port(), turn_seconds=1)
    running = Haproxy(settings, folder)
    running.start()
    try:
        await asyncio.to_thread(running.wait_until_ready)
        yield running
    finally:
        running.kill()


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(pool=str(folder), max_wait=MAX_WAIT, queue=4)


@pytest.fixture
async def gateway(settings: Settings, haproxy: Haproxy) -> AsyncIterator[TestServer]:
    server = TestServer(create_app(settings))
    await server.start_server()
    await asyncio.sleep(0.1)  # until the first poll
    yield server
    await server.close()


@pytest.fixture
async def client(gateway: TestServer) -> AsyncIterator[Client]:
    async with TestClient(gateway) as result:
        yield result


async def ask(client: Client, **fields: str) -> tuple[int, dict[str, object]]:
    async with client.post(PATH, data=form(**fields)) as response:
        return response.status, await response.json()


async def health(client: Client) -> dict[str, object]:
    async with client.get("/health") as response:
        found: dict[str, object] = await response.json()
    return found


async def until(client: Client, states: dict[str, str]) -> dict[str, object]:
    """Return what /health says once members have these states."""
    for _ in range(400):
        said = await health(client)
        assert isinstance(said["pool"], dict)
        if states.items() <= {one["name"]: one["state"] for one in said["pool"]["members"]}.items():
            return said
        await asyncio.sleep(0.05)
    raise AssertionError(said)


async def test_its_status_is_its_health_and_how_it_is_used(client: Client) -> None:
    assert (await ask(client))[0] == 200
    async with client.get("/status") as response:
        said = await response.json()
    assert set(await health(client)) < set(said)
    assert sum(said["last_hour"]["requests"]) == 1
    assert said["last_hour"]["longest_wait"][-1] is not None
    assert (said["gpu"], said["generation"]) == (None, None)


class TestPassedOn:
    async def test_the_form_arrives_as_it_was_sent(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        body = b"--b\r\nnot even a form"
        headers = {
            "Content-Type": "multipart/form-data; boundary=b",
            "Authorization": "Bearer mine",
            "Cookie": "a=b",
            "x-pool-member": "m2",
        }
        async with client.post("/audio/transcriptions/?q=1", data=body, headers=headers) as sent:
            assert sent.status == 200
        (fake,) = (fake for fake in fakes.values() if fake.got)
        (request,) = fake.requests
        assert fake.got == [body]
        assert request.raw_path == PATH
        assert request.headers["Content-Type"] == headers["Content-Type"]
        assert request.headers["Content-Length"] == str(len(body))
        assert request.headers["Host"] == "localhost"
        assert not {"Authorization", "Cookie", "x-pool-member"} & set(request.headers)

    async def test_the_answer_is_the_members(
        self, client: Client, fakes: dict[str, FakeMember], caplog: pytest.LogCaptureFixture
    ) -> None:
        for fake in fakes.values():
            fake.text, fake.content_type = 'data: {"a": 1}\n\ndata: [DONE]\n\n', "text/event-stream"
            fake.headers = {"x-request-id": f"req_{'0' * 32}", "Server": "member"}
        caplog.set_level(logging.INFO)
        async with client.post(PATH, data=form()) as response:
            assert (response.status, await response.text()) == (200, fake.text)
            assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert response.headers["x-request-id"] not in ("", f"req_{'0' * 32}")
            assert response.headers["Server"] != "member"
            assert not [name for name in response.headers if name.lower().startswith("x-pool")]
        (line,) = (line for line in caplog.messages if f"path={PATH}" in line)
        assert re.search(f" member=m[0-2] member_request=req_{'0' * 32} ", line)

    async def test_translations_go_to_translations(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        async with client.post("/v1/audio/translations", data=form()) as response:
            assert response.status == 200
        (request,) = (one for fake in fakes.values() for one in fake.requests)
        assert request.path == "/v1/audio/translations"

    async def test_a_refusal_is_the_members_and_is_counted_as_what_it_is(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.status, fake.code = 400, "undecodable_audio"
        status, body = await ask(client)
        assert (status, body["error"]["code"]) == (400, "undecodable_audio")  # type: ignore[index]
        assert sum(len(fake.got) for fake in fakes.values()) == 1
        metrics = await (await client.get("/metrics")).text()
        assert f'requests_total{{outcome="undecodable_audio",route="{PATH}"}} 1.0' in metrics

    async def test_models_are_those_of_a_member_even_where_all_are_busy(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.seconds = 30
        busy = [asyncio.create_task(ask(client)) for _ in fakes]
        await asyncio.gather(*(fake.began.wait() for fake in fakes.values()))
        began = time.monotonic()
        for path in ("/v1/models", "/v1/models/a%2Fb"):
            url = URL(str(client.make_url("/")).rstrip("/") + path, encoded=True)
            async with client.session.get(url) as response:
                assert await response.json() == {"path": path}
        assert time.monotonic() - began < 1
        for one in busy:
            one.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": "https://evil.example"}, 403),
            ({"Content-Type": "application/json"}, 400),
        ],
    )
    async def test_what_is_refused_without_a_pool_is_refused_before_it(
        self, client: Client, fakes: dict[str, FakeMember], headers: dict[str, str], status: int
    ) -> None:
        async with client.post(PATH, data=b"x", headers=headers) as response:
            assert response.status == status
        assert not any(fake.requests for fake in fakes.values())


class TestSentAgain:
    async def test_what_dies_of_it_loses_nothing(
        self, client: Client, fakes: dict[str, FakeMember], gateway: TestServer
    ) -> None:
        for name in ("m0", "m1"):
            fakes[name].dies = True
        answers = await asyncio.gather(*(ask(client) for _ in range(3)))
        assert answers == [(200, {"text": "m2"})] * 3
        metrics = await (await client.get("/metrics")).text()
        assert "whisper_proxy_upstream_lost_total 0.0" not in metrics

    async def test_an_answer_that_is_cut_off_is_none(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for name in ("m0", "m1"):
            fakes[name].cut_off = True
        answers = await asyncio.gather(*(ask(client) for _ in range(3)))
        assert answers == [(200, {"text": "m2"})] * 3

    @pytest.mark.parametrize(
        ("status", "code"), [(503, "overloaded"), (401, "invalid_api_key"), (502, "upstream_error")]
    )
    async def test_what_a_member_cannot_do_another_does(
        self, client: Client, fakes: dict[str, FakeMember], status: int, code: str
    ) -> None:
        for name in ("m0", "m1"):
            fakes[name].status, fakes[name].code = status, code
        fakes["m1"].health_status = 503
        await until(client, {"m1": "down"})
        answers = await asyncio.gather(*(ask(client) for _ in range(2)))
        assert answers == [(200, {"text": "m2"})] * 2

    async def test_what_crashes_two_is_refused(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.status, fake.code = 422, "audio_crashes_server"
        status, _ = await ask(client)
        assert status == 422
        assert sorted(len(fake.got) for fake in fakes.values()) == [0, 1, 1]

    async def test_what_two_machines_go_down_with_gets_no_third(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.poison = b"poison"
        asked = asyncio.create_task(ask(client, prompt="poison"))
        await until(client, dict.fromkeys(("m0", "m1"), "down"))
        assert await ask(client) == (200, {"text": "m2"})  # meanwhile
        status, body = await asked
        assert (status, body["error"]["code"]) == (422, "audio_crashes_server")  # type: ignore[index]
        assert [len(fake.got) for fake in fakes.values()] == [1, 1, 1]

    async def test_when_one_of_them_is_back_it_goes_on(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.poison = b"innocent"
        asked = asyncio.create_task(ask(client, prompt="innocent"))
        await until(client, dict.fromkeys(("m0", "m1"), "down"))
        for fake in fakes.values():
            fake.poison, fake.health_status = b"", 200
        assert (await asked)[0] == 200

    async def test_an_answer_without_an_end_is_given_up(
        self, client: Client, fakes: dict[str, FakeMember], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pool, "MOST_ANSWER_BYTES", 1000)
        for fake in fakes.values():
            fake.text = "x" * 1001
        status, body = await ask(client)
        assert (status, body["error"]["code"]) == (502, "upstream_error")  # type: ignore[index]

    async def test_the_members_have_a_key_of_their_own(
        self, folder: Path, haproxy: Haproxy, fakes: dict[str, FakeMember]
    ) -> None:
        (folder / "key").write_text("secret\n")
        for fake in fakes.values():
            fake.key = "secret"
        settings = Settings(pool=str(folder), pool_key_file=str(folder / "key"))
        async with TestClient(TestServer(create_app(settings))) as client:
            assert (await ask(client))[0] == 200
            (folder / "key").unlink()
            status, body = await ask(client)
            assert (status, body["error"]["code"]) == (503, "api_key_unavailable")  # type: ignore[index]


class TestTheQueue:
    async def test_each_member_has_one_at_a_time_and_the_rest_wait(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.seconds = 0.5
        requests = [asyncio.create_task(ask(client)) for _ in range(5)]
        await asyncio.sleep(0.3)
        assert (await health(client))["queue"] == {"running": 3, "waiting": 2, "limit": 4}
        assert [status for status, _ in await asyncio.gather(*requests)] == [200] * 5
        assert sorted(len(fake.got) for fake in fakes.values()) in ([1, 2, 2], [1, 1, 3])

    async def test_more_than_may_wait_are_told_when_to_come_back(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.seconds = 0.5
        requests = [asyncio.create_task(ask(client)) for _ in range(9)]
        answers = await asyncio.gather(*requests)
        assert sorted(status for status, _ in answers) == [200] * 7 + [503] * 2
        (code,) = {body["error"]["code"] for status, body in answers if status == 503}  # type: ignore[index]
        assert code == "overloaded"

    async def test_it_is_first_come_first_served_and_a_dictation_passes_a_file(
        self, client: Client, haproxy: Haproxy, fakes: dict[str, FakeMember]
    ) -> None:
        for name in ("m1", "m2"):
            for command in drain_commands(name):
                haproxy.ask(command)
        await until(client, {"m1": "drained", "m2": "drained"})
        fakes["m0"].seconds = 1.0
        order: list[str] = []

        async def send(name: str, size: float) -> None:
            body = io.BytesIO(part(b"file", silence(size), filename=b"a.wav") + end())
            headers = {"Content-Type": FORM}
            async with client.post(PATH, data=body, headers=headers) as response:
                assert response.status == 200
            order.append(name)

        sent = []
        for name, size in (("first", 1.0), ("file", 300.0), ("second", 1.0), ("third", 1.0)):
            sent.append(asyncio.create_task(send(name, size)))
            await asyncio.sleep(0.15)
        await asyncio.gather(*sent)
        assert order == ["first", "second", "third", "file"]

    async def test_who_is_faster_does_more(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        """How much more is measured: python -m bench.pool."""
        for fake, seconds in zip(fakes.values(), (0.8, 0.4, 0.1), strict=True):
            fake.seconds = seconds
        end = time.monotonic() + 3.0

        async def ask_on() -> None:
            while time.monotonic() < end:
                assert (await ask(client))[0] == 200

        await asyncio.gather(*(ask_on() for _ in range(6)))
        done = [len(fake.got) for fake in fakes.values()]
        assert 0 < done[0] < done[1] < done[2]

    async def test_a_client_that_goes_away_ends_its_inference(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.seconds = 30
        request = asyncio.create_task(ask(client))
        waiting = [asyncio.create_task(fake.began.wait()) for fake in fakes.values()]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        (busy,) = (fake for fake in fakes.values() if fake.got)
        request.cancel()
        await asyncio.wait_for(busy.cancelled.wait(), 5)
        for task in waiting:
            task.cancel()
        assert (await health(client))["queue"] == {"running": 0, "waiting": 0, "limit": 4}

    async def test_a_member_that_rests_finishes_what_it_has(
        self, client: Client, haproxy: Haproxy, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.seconds = 1.5
        requests = [asyncio.create_task(ask(client)) for _ in fakes]
        await asyncio.gather(*(fake.began.wait() for fake in fakes.values()))
        for command in drain_commands("m1"):
            assert haproxy.ask(command).strip() == ""
        said = await until(client, {"m1": "drained"})
        assert (said["status"], said["reason"]) == ("ok", None)
        assert [status for status, _ in await asyncio.gather(*requests)] == [200] * 3
        for command in ready_commands("m1"):
            haproxy.ask(command)
        await until(client, {"m1": "up"})


class TestHealth:
    async def test_it_shows_each_member(self, client: Client) -> None:
        said = await until(client, {"m0": "up", "m1": "up", "m2": "up"})
        assert said["status"] == "ok"
        assert said["pool"] == {
            "haproxy": "ready",
            "slots": 3,
            "members": [
                {"name": name, "state": "up", "running": 0, "waiting": 0, "slots": 1,
                 "last_failure": None}
                for name in ("m0", "m1", "m2")
            ],
        }  # fmt: skip

    async def test_a_degraded_one_is_the_last_resort(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        fakes["m0"].health = "degraded"
        said = await until(client, {"m0": "degraded", "m1": "up"})
        assert said["reason"] == "m0 is degraded, of 3 members."
        assert [body["text"] for _, body in [await ask(client) for _ in range(4)]].count("m0") == 0
        for name in ("m1", "m2"):
            fakes[name].health_status = 503
        said = await until(client, {"m0": "degraded", "m1": "down", "m2": "down"})
        assert said["status"] == "degraded"
        assert await ask(client) == (200, {"text": "m0"})

    async def test_one_that_degrades_finishes_what_it_has(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.seconds = 2.5
        requests = [asyncio.create_task(ask(client)) for _ in fakes]
        await asyncio.gather(*(fake.began.wait() for fake in fakes.values()))
        fakes["m1"].health = "degraded"
        await until(client, {"m1": "degraded"})
        assert [status for status, _ in await asyncio.gather(*requests)] == [200] * 3
        assert [len(fake.got) for fake in fakes.values()] == [1, 1, 1]

    async def test_without_a_member_requests_wait_and_then_are_refused(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.health_status = 503
        said = await until(client, dict.fromkeys(fakes, "down"))
        assert said["status"] == "degraded"
        assert said["reason"] == "No member of the pool answers and requests wait for one."
        began = time.monotonic()
        async with client.post(PATH, data=form()) as response:
            assert response.status == 503
            assert response.headers["Retry-After"].isdecimal()
            assert (await response.json())["error"]["code"] == "upstream_unavailable"
        assert MAX_WAIT - 0.1 < time.monotonic() - began < MAX_WAIT + 1
        async with client.get("/health") as response:
            assert response.status == 503
            assert (await response.json())["reason"] == "No member of the pool answers."

    async def test_one_that_comes_back_gets_what_waits(
        self, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.health_status = 503
        await until(client, dict.fromkeys(fakes, "down"))
        request = asyncio.create_task(ask(client))
        await asyncio.sleep(0.5)
        fakes["m1"].health_status = 200
        assert await request == (200, {"text": "m1"})

    async def test_without_haproxy_it_says_so(
        self, client: Client, gateway: TestServer, haproxy: Haproxy
    ) -> None:
        haproxy.kill()
        request = asyncio.create_task(ask(client))
        for _ in range(100):
            said = await health(client)
            if said["status"] != "ok":
                break
            await asyncio.sleep(0.05)
        assert said["reason"] == "HAProxy is away and requests wait for it."
        haproxy.start()
        assert (await request)[0] == 200

    async def test_a_full_spool_degrades_it(self, client: Client, gateway: TestServer) -> None:
        await until(client, {"m0": "up"})
        spools = gateway.app[SPOOLS]  # type: ignore[union-attr]
        with spools.upload() as one, suppress(aiohttp.ClientError):
            one.expect(4 * 2**30 - 2**24)
            assert (await health(client))["status"] == "degraded"

    async def test_metrics(self, client: Client, gateway: TestServer) -> None:
        await until(client, {"m0": "up", "m1": "up", "m2": "up"})
        assert gateway.app[POOL_MONITOR].slots == 3  # type: ignore[union-attr]
        await ask(client)
        lines = (await (await client.get("/metrics")).text()).splitlines()
        for line in (
            f'whisper_proxy_requests_total{{outcome="ok",route="{PATH}"}} 1.0',
            'whisper_proxy_pool_members{state="up"} 3.0',
            'whisper_proxy_pool_members{state="down"} 0.0',
            "whisper_proxy_pool_slots 3.0",
            "whisper_proxy_pool_member_seconds_count 1.0",
            "whisper_proxy_wait_seconds_count 1.0",
            "whisper_proxy_upstream_up 1.0",
            "whisper_proxy_running 0.0",
        ):
            assert line in lines


async def test_statistics_are_for_this_machine_alone(haproxy: Haproxy, folder: Path) -> None:
    text = (folder / "haproxy.cfg").read_text()
    port = text.split("bind 127.0.0.1:")[1].split()[0]
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}"
        async with session.get(f"{url}/metrics") as response:
            assert 'server="m0"' in await response.text()
        async with session.get(f"{url}/;csv", headers={"Host": "evil.example"}) as response:
            assert response.status == 403


USAGE = {"type": "duration", "seconds": 1}


class TestLive:
    @pytest.fixture
    async def speaking(
        self, gateway: TestServer, fakes: dict[str, FakeMember]
    ) -> AsyncIterator[Live]:
        for name, fake in fakes.items():
            fake.text = json.dumps({"text": name, "usage": USAGE})
        async with aiohttp.ClientSession() as http, live(http, address(gateway)) as opened:
            await opened.update({"turn_detection": None, "transcription": {"language": "en"}})
            await opened.until("session.updated")
            yield opened

    async def test_a_turn_goes_to_a_member_as_a_file_does(
        self, speaking: Live, fakes: dict[str, FakeMember]
    ) -> None:
        await speaking.append(live_silence(0.3))
        await speaking.commit()
        completed = await speaking.until(COMPLETED)
        (fake,) = (fake for fake in fakes.values() if fake.got)
        assert completed["transcript"] == fake.name
        assert completed["usage"] == USAGE
        (request,) = fake.requests
        assert request.raw_path == PATH
        assert b'name="language"\r\n\r\nen\r\n' in fake.got[0]
        assert b"WAVEfmt" in fake.got[0]

    async def test_a_member_that_dies_loses_nothing(
        self, speaking: Live, fakes: dict[str, FakeMember]
    ) -> None:
        for name in ("m0", "m1"):
            fakes[name].dies = True
        for _ in range(4):
            await speaking.append(live_silence(0.3))
            await speaking.commit()
            assert (await speaking.until(COMPLETED, 30))["transcript"] == "m2"

    async def test_a_refusal_is_the_member_s(
        self, speaking: Live, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.status, fake.code = 400, "invalid_value"
        await speaking.append(live_silence(0.3))
        await speaking.commit()
        assert (await speaking.until(FAILED))["error"]["code"] == "invalid_value"

    async def test_files_do_not_wait_for_what_is_partly_spoken(
        self, speaking: Live, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.seconds = 20
        await speaking.append(live_silence(1))
        async with asyncio.timeout(5):
            while not any(fake.began.is_set() for fake in fakes.values()):
                await asyncio.sleep(0.01)
        (busy,) = (fake for fake in fakes.values() if fake.began.is_set())
        for fake in fakes.values():
            fake.seconds = 0.5
        began = time.monotonic()
        answers = await asyncio.gather(*(ask(client) for _ in range(3)))
        assert [status for status, _ in answers] == [200] * 3
        assert time.monotonic() - began < 2
        assert busy.cancelled.is_set()

    async def test_no_partial_ones_while_all_members_are_busy(
        self, speaking: Live, client: Client, fakes: dict[str, FakeMember]
    ) -> None:
        for fake in fakes.values():
            fake.seconds = 1
        asking = asyncio.gather(*(ask(client) for _ in range(3)))
        await asyncio.sleep(0.3)
        await speaking.append(live_silence(2))
        await asking
        assert sum(len(fake.got) for fake in fakes.values()) == 3
