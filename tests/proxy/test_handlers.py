import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy import __version__, upstream
from whisper_proxy.settings import Settings

from .fake_whisper import FakeWhisper
from .samples import Client


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
            "version": __version__,
        }


async def test_busy_is_healthy(
    client: Client, whisper: FakeWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "HEALTH_SECONDS", 0.1)
    whisper.health_seconds = 5
    async with client.get("/health") as response:
        assert (response.status, (await response.json())["whisper_server"]) == (
            200,
            "busy",
        )


async def test_failing_is_not_healthy(client: Client, whisper: FakeWhisper) -> None:
    whisper.health_status = 404
    async with client.get("/health") as response:
        assert (response.status, (await response.json())["status"]) == (
            503,
            "unavailable",
        )


async def test_unreachable_is_not_healthy(client: Client, whisper_server: TestServer) -> None:
    await whisper_server.close()
    async with client.get("/health") as response:
        assert response.status == 503
        body = await response.json()
        assert (body["status"], body["whisper_server"]) == (
            "unavailable",
            "unreachable",
        )


async def test_models_are_the_served_one_and_its_alias(client: Client) -> None:
    async with client.get("/v1/models") as response:
        body = await response.json()
    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == ["small", "whisper-1"]
    assert set(body["data"][0]) == {"id", "object", "created", "owned_by"}


@pytest.mark.parametrize("name", ["small", "whisper-1"])
async def test_a_model(client: Client, name: str) -> None:
    async with client.get(f"/v1/models/{name}") as response:
        assert response.status == 200
        assert (await response.json())["id"] == name


@pytest.mark.parametrize("name", ["large", "openai/large", "a%20b"])
async def test_an_unknown_model(client: Client, name: str) -> None:
    async with client.get(f"/v1/models/{name}") as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "model_not_found"


class TestUnnamed:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings()

    async def test_the_alias_is_listed_once(self, client: Client) -> None:
        async with client.get("/v1/models") as response:
            body = await response.json()
        assert [model["id"] for model in body["data"]] == ["whisper-1"]
