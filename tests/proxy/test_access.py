import pytest
from aiohttp import hdrs
from whisper_proxy.settings import Settings

from .samples import Client, form

PATH = "/v1/audio/transcriptions"
KEY = "sk-local"
PREFLIGHT = {
    hdrs.ORIGIN: "https://chat.lan",
    hdrs.ACCESS_CONTROL_REQUEST_METHOD: "POST",
    hdrs.ACCESS_CONTROL_REQUEST_HEADERS: "authorization,x-stainless-lang",
}


async def test_without_a_configured_key_any_is_accepted(client: Client) -> None:
    async with client.get("/v1/models", headers={"Authorization": "Bearer any"}) as response:
        assert response.status == 200


async def test_without_an_origin_no_page_may_call(client: Client) -> None:
    async with client.options(PATH, headers=PREFLIGHT) as response:
        assert response.status == 405
        assert "Access-Control-Allow-Origin" not in response.headers


class TestKey:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(upstream=settings.upstream, api_key_file=KEY)

    @pytest.mark.parametrize("path", ["/", "/health"])
    async def test_liveness_needs_no_key(self, client: Client, path: str) -> None:
        async with client.get(path) as response:
            assert response.status == 200

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
    async def test_the_key_opens(self, client: Client, scheme: str) -> None:
        headers = {"Authorization": f"{scheme} {KEY}"}
        async with client.post(PATH, data=form(), headers=headers) as response:
            assert response.status == 200

    @pytest.mark.parametrize(
        "sent", [None, "", KEY, f"Basic {KEY}", "Bearer", "Bearer sk-loca", "Bearer ü"]
    )
    @pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/nowhere"])
    async def test_all_else_is_a_401(self, client: Client, path: str, sent: str | None) -> None:
        headers = {} if sent is None else {"Authorization": sent}
        async with client.get(path, headers=headers) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            error = (await response.json())["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
        assert KEY not in error["message"]


class TestOrigin:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(
            upstream=settings.upstream, cors_origin="https://chat.lan", api_key_file=KEY
        )

    async def test_a_preflight_is_answered_without_a_key(self, client: Client) -> None:
        async with client.options(PATH, headers=PREFLIGHT) as response:
            assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "https://chat.lan"
        assert response.headers["Access-Control-Allow-Headers"] == "authorization,x-stainless-lang"
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
        assert response.headers["Vary"] == "Origin"

    async def test_the_page_may_read_answers_and_errors(self, client: Client) -> None:
        async with client.get("/v1/models", headers={"Origin": "https://chat.lan"}) as response:
            assert response.status == 401
            assert response.headers["Access-Control-Allow-Origin"] == "https://chat.lan"

    async def test_another_page_may_not(self, client: Client) -> None:
        headers = PREFLIGHT | {"Origin": "https://evil.lan"}
        async with client.options(PATH, headers=headers) as response:
            assert response.status == 401
            assert "Access-Control-Allow-Origin" not in response.headers
