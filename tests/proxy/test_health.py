import asyncio
import dataclasses
import time
from functools import partial
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy import __version__, app, inference_cost, upstream_monitor
from whisper_proxy.gpu import Gpu
from whisper_proxy.health import SPOOL_FULL
from whisper_proxy.keys import DECODER, SELF_CHECK, SPOOLS
from whisper_proxy.self_check import Fault, Part
from whisper_proxy.settings import Settings
from whisper_proxy.spool import DECODED_ROOM, DECODING_ROOM, SMALL_ROOM

from .fake_kernel import MODEL, FakeKernel
from .fake_whisper import FakeWhisper
from .samples import Client, form

PATH = "/v1/audio/transcriptions"


@pytest.fixture(autouse=True)
def _quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream_monitor, "POLL_SECONDS", 0.05)


async def state(client: Client, expected: str) -> int:
    """Return the status code once /health reports this state of whisper-server."""
    for _ in range(100):
        async with client.get("/health") as response:
            if (await response.json())["whisper_server"] == expected:
                return response.status
        await asyncio.sleep(0.02)
    raise AssertionError(f"never {expected}")


async def test_root_says_that_something_is_here(client: Client) -> None:
    async with client.get("/") as response:
        assert response.status == 200
        assert (await response.text()).count("\n") == 1


async def test_healthy(client: Client) -> None:
    async with client.get("/health") as response:
        assert response.status == 200
        assert await response.json() == {
            "status": "ok",
            "reason": None,
            "whisper_server": "ready",
            "wake_seconds": None,
            "model": "small",
            "backend": None,
            "in_use": None,
            "device": None,
            "whisper_version": None,
            "version": __version__,
            "queue": {"running": 0, "waiting": 0, "limit": 32},
            "decoding": {"running": 0, "waiting": 0, "limit": 32},
            "spool": {"used": 0, "limit": 4 * 2**30 + DECODING_ROOM + DECODED_ROOM, "uploads": 0},
            "live": {"sessions": 0, "limit": 8},
            "broken": [],
        }


async def test_failing_is_not_healthy(client: Client, whisper: FakeWhisper) -> None:
    whisper.health_status = 404
    assert await state(client, "failing") == 503
    assert await reason(client) == "whisper-server is away or ill."


@pytest.mark.parametrize(
    ("part", "reason"),
    [("decoder", "ffmpeg is missing or broken"), ("spool", "Uploads above half")],
)
async def test_it_is_degraded_while_a_part_of_its_own_is_broken(
    client: Client, proxy: TestServer, part: Part, reason: str
) -> None:
    check = proxy.app[SELF_CHECK]  # type: ignore[union-attr]
    check.faults = (Fault(part, "why"),)
    async with client.get("/health") as response:
        body = await response.json()
    assert (response.status, body["status"], body["broken"]) == (200, "degraded", [part])
    assert body["reason"].startswith(reason)
    check.faults = ()
    assert await status(client) == (200, "ok")


class TestHanging:
    """An inference that gets no answer, while /health of whisper-server says that all is well."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(upstream=settings.upstream, max_wait=1)

    async def said(self, client: Client, expected: str) -> dict[str, object]:
        """Return the answer once its status is this one."""
        for _ in range(200):
            async with client.get("/health") as response:
                body = await response.json()
            if body["status"] == expected:
                return body
            await asyncio.sleep(0.02)
        raise AssertionError(f"never {expected}")

    async def test_it_is_degraded_before_it_is_certain(
        self, client: Client, whisper: FakeWhisper
    ) -> None:
        whisper.seconds = 30
        request = asyncio.create_task(_ask(client))
        body = await self.said(client, "degraded")
        assert body["reason"] == (
            "An inference takes far longer than expected; whisper-server may hang."
        )
        async with client.get("/metrics") as response:
            assert "whisper_proxy_upstream_up 0.0" in await response.text()
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        assert (await self.said(client, "ok"))["reason"] is None

    async def test_it_is_unavailable_if_nothing_restarts_it(
        self, client: Client, whisper: FakeWhisper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inference_cost, "UNMEASURED_LIMIT_SECONDS", 0.1)
        whisper.seconds = 30
        async with client.post(PATH, data=form()) as response:
            assert response.status == 504
            assert response.headers["x-should-retry"] == "false"
            assert (await response.json())["error"]["code"] == "upstream_timeout"
        await asyncio.sleep(0.2)  # it is polled, and says that all is well
        assert await status(client) == (503, "unavailable")
        assert await reason(client) == (
            "whisper-server hangs: an inference got no answer. "
            "`systemctl --user kill -s KILL voicemode-whisper` restarts it."
        )
        async with client.get("/metrics") as response:
            assert "whisper_proxy_upstream_hung_total 1.0" in await response.text()
        whisper.seconds = 0
        await _ask(client)
        assert await status(client) == (200, "ok")


async def status(client: Client) -> tuple[int, str]:
    async with client.get("/health") as response:
        return response.status, (await response.json())["status"]


async def reason(client: Client) -> str:
    async with client.get("/health") as response:
        return (await response.json())["reason"]


async def test_it_is_degraded_while_requests_wait_for_whisper_server(
    client: Client, whisper_server: TestServer
) -> None:
    await whisper_server.close()
    assert await state(client, "unreachable") == 200
    assert await status(client) == (200, "degraded")
    assert await reason(client) == "whisper-server is away and requests wait for it."


class TestAwayForLong:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(upstream=settings.upstream, max_wait=1)

    async def test_it_is_unavailable_when_they_wait_no_longer(
        self, client: Client, whisper_server: TestServer
    ) -> None:
        await whisper_server.close()
        assert await state(client, "unreachable") == 200
        await asyncio.sleep(1.1)
        assert await status(client) == (503, "unavailable")
        assert await reason(client) == "whisper-server is away or ill."


async def test_without_room_for_uploads_it_is_degraded(client: Client, proxy: TestServer) -> None:
    spools = proxy.app[SPOOLS]
    with spools.upload() as one:
        one.expect(4 * 2**30 - SMALL_ROOM)
        assert await status(client) == (200, "degraded")
        assert await reason(client) == SPOOL_FULL
    assert await status(client) == (200, "ok")


@pytest.mark.alone
async def test_it_answers_at_once_while_whisper_server_does_not(
    client: Client, whisper: FakeWhisper
) -> None:
    whisper.seconds = whisper.health_seconds = 30
    requests = [asyncio.create_task(_ask(client)) for _ in range(3)]
    await asyncio.wait_for(whisper.started.wait(), 5)
    assert await state(client, "busy") == 200
    started = time.monotonic()
    async with client.get("/health") as response:
        queue = (await response.json())["queue"]
    assert time.monotonic() - started < 0.2
    assert queue == {"running": 1, "waiting": 2, "limit": 32}
    async with client.get("/metrics") as response:
        text = await response.text()
    assert "whisper_proxy_running 1.0\nwhisper_proxy_" not in text
    assert "whisper_proxy_running 1.0" in text
    assert "whisper_proxy_waiting 2.0" in text
    for request in requests:
        request.cancel()
    await asyncio.gather(*requests, return_exceptions=True)


async def _ask(client: Client) -> None:
    async with client.post(PATH, data=form()):
        pass


async def test_what_is_decoded_is_shown(client: Client, proxy: TestServer) -> None:
    async with proxy.app[DECODER].queue.slot(), client.get("/health") as response:
        assert (await response.json())["decoding"] == {"running": 1, "waiting": 0, "limit": 32}


async def test_metrics(client: Client) -> None:
    await _ask(client)
    async with client.get("/nowhere"):
        pass
    async with client.get("/metrics") as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        lines = (await response.text()).splitlines()
    for line in (
        f'whisper_proxy_requests_total{{outcome="ok",route="{PATH}"}} 1.0',
        'whisper_proxy_requests_total{outcome="unknown_url",route="none"} 1.0',
        "whisper_proxy_upstream_up 1.0",
        "whisper_proxy_wait_seconds_count 1.0",
        "whisper_proxy_decoding_running 0.0",
        "whisper_proxy_decoding_waiting 0.0",
        "whisper_proxy_inference_seconds_count 1.0",
        "whisper_proxy_audio_seconds_sum 11.0",
        "whisper_proxy_real_time_factor_count 1.0",
    ):
        assert line in lines


class TestDescribed:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(
            upstream=settings.upstream,
            backend="hip",
            device="AMD Radeon RX 7800 XT",
            whisper_version="v1.9.1",
        )

    async def test_the_deploy_says_what_it_runs_on(self, client: Client) -> None:
        async with client.get("/health") as response:
            body = await response.json()
        assert (body["backend"], body["device"]) == ("hip", "AMD Radeon RX 7800 XT")
        assert body["whisper_version"] == "v1.9.1"


class TestOnTheGpu:
    """A whisper-server built for the GPU, and a kernel that shows what it uses."""

    @pytest.fixture
    def kernel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
        kernel = FakeKernel(tmp_path)
        kernel.runs("10")
        there = partial(Gpu, proc=kernel.proc, cgroups=kernel.cgroups)
        monkeypatch.setattr(app, "Gpu", there)
        return kernel

    @pytest.fixture
    def settings(self, settings: Settings, kernel: FakeKernel) -> Settings:
        kfd = str(kernel.kfd)
        return dataclasses.replace(settings, backend="hip", kfd=kfd, gpu_memory=MODEL // 2)

    async def using(self, client: Client, expected: str | None) -> dict[str, object]:
        """Return the whole answer once it reports this in_use."""
        for _ in range(100):
            async with client.get("/health") as response:
                assert response.status == 200
                body = await response.json()
            if body["in_use"] == expected:
                return body
            await asyncio.sleep(0.02)
        raise AssertionError(f"never {expected}")

    async def gauge(self, client: Client) -> str:
        async with client.get("/metrics") as response:
            lines = (await response.text()).splitlines()
        (value,) = (line.split()[1] for line in lines if line.startswith("whisper_proxy_gpu_in_"))
        return value

    async def test_its_use_is_told(self, client: Client, kernel: FakeKernel) -> None:
        kernel.uses_gpu("10", MODEL)
        body = await self.using(client, "gpu")
        assert (body["status"], body["reason"]) == ("ok", None)
        assert await self.gauge(client) == "1.0"

    async def test_a_fall_to_the_cpu_degrades(self, client: Client, kernel: FakeKernel) -> None:
        kernel.uses_gpu("10", MODEL)
        await self.using(client, "gpu")
        kernel.ends("10")
        kernel.runs("11")
        body = await self.using(client, "cpu")
        assert (body["status"], body["reason"]) == (
            "degraded",
            "whisper-server runs on the CPU, asked for was the GPU; "
            "`pyinfra inventory.py tasks/doctor.py` says why.",
        )
        assert body["whisper_server"] == "ready"
        assert await self.gauge(client) == "0.0"

    async def test_one_that_is_away_uses_nothing(
        self, client: Client, whisper_server: TestServer
    ) -> None:
        await self.using(client, "cpu")
        await whisper_server.close()
        body = await self.using(client, None)
        assert body["reason"] == "whisper-server is away and requests wait for it."

    async def test_nothing_is_wrong_where_nothing_tells(
        self, client: Client, kernel: FakeKernel
    ) -> None:
        await self.using(client, "cpu")
        kernel.shows_nothing()
        body = await self.using(client, None)
        assert (body["status"], body["reason"]) == ("ok", None)
        assert await self.gauge(client) == "NaN"

    class TestThatWasNotAskedFor:
        @pytest.fixture
        def settings(self, settings: Settings) -> Settings:
            return dataclasses.replace(settings, backend="cpu")

        async def test_the_cpu_is_as_good(self, client: Client) -> None:
            async with client.get("/health") as response:
                body = await response.json()
            assert (body["status"], body["in_use"]) == ("ok", None)
