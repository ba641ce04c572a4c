import pytest
from whisper_proxy.models import OPENAI_NAMES
from whisper_proxy.settings import Settings

from .samples import Client


async def test_models_are_the_served_one_and_its_aliases(client: Client) -> None:
    async with client.get("/v1/models") as response:
        body = await response.json()
    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == ["small", *OPENAI_NAMES]
    assert set(body["data"][0]) == {"id", "object", "created", "owned_by"}


@pytest.mark.parametrize("name", ["small", *OPENAI_NAMES])
async def test_a_model(client: Client, name: str) -> None:
    async with client.get(f"/v1/models/{name}") as response:
        assert response.status == 200
        assert (await response.json())["id"] == name


@pytest.mark.parametrize("name", ["large", "openai/large", "a%20b", "gpt-4o-transcribe-diarize"])
async def test_an_unknown_model(client: Client, name: str) -> None:
    async with client.get(f"/v1/models/{name}") as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "model_not_found"


class TestUnnamed:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings()

    async def test_an_alias_is_listed_once(self, client: Client) -> None:
        async with client.get("/v1/models") as response:
            body = await response.json()
        assert [model["id"] for model in body["data"]] == list(OPENAI_NAMES)
