import asyncio
import time

import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy import __version__, watch
from whisper_proxy.settings import Settings

from .fake_whisper import FakeWhisper
from .samples import Client, form

PATH = "/v1/audio/transcriptions"


@pytest.fixture(autouse=True)
def _quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.05)


async def state(client: Client, expected: str) -> int:
    """Return the status once whisper-server is seen in this state."""
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
            "whisper_server": "ready",
            "model": "small",
            "backend": None,
            "device": None,
            "whisper_version": None,
            "version": __version__,
            "queue": {"running": 0, "waiting": 0, "limit": 32},
        }


async def test_failing_is_not_healthy(client: Client, whisper: FakeWhisper) -> None:
    whisper.health_status = 404
    assert await state(client, "failing") == 503


async def status(client: Client) -> tuple[int, str]:
    async with client.get("/health") as response:
        return response.status, (await response.json())["status"]


async def test_it_is_degraded_while_requests_wait_for_whisper_server(
    client: Client, whisper_server: TestServer
) -> None:
    await whisper_server.close()
    assert await state(client, "unreachable") == 200
    assert await status(client) == (200, "degraded")


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


async def test_metrics(client: Client, whisper: FakeWhisper) -> None:
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
