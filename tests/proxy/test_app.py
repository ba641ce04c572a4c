"""What is served, and that nothing else is."""

import pytest
from whisper_proxy import keys
from whisper_proxy.app import create_app
from whisper_proxy.settings import Settings
from yarl import URL

from .fake_whisper import TEXT, FakeWhisper
from .samples import Client, form


def test_the_routes_are_these_and_no_others() -> None:
    routes = create_app(Settings()).router.routes()
    assert {(route.method, route.resource.canonical) for route in routes if route.resource} == {
        *((method, "/") for method in ("GET", "HEAD")),
        *((method, "/health") for method in ("GET", "HEAD")),
        *((method, "/metrics") for method in ("GET", "HEAD")),
        *((method, "/status") for method in ("GET", "HEAD")),
        *((method, "/page/{name}") for method in ("GET", "HEAD")),
        *((method, "/{base}models{slash}") for method in ("GET", "HEAD")),
        *((method, "/{base}models/{name}") for method in ("GET", "HEAD")),
        ("POST", "/{base}audio/transcriptions{slash}"),
        ("POST", "/{base}audio/translations{slash}"),
        *((method, "/{base}realtime{slash}") for method in ("GET", "HEAD")),
        ("POST", "/{base}realtime/client_secrets{slash}"),
        ("POST", "/{base}realtime/transcription_sessions{slash}"),
    }


@pytest.mark.parametrize(
    "base",
    ["", "/", "/v1/v1", "/v1/", "//v1", "/api/v1", "/openai/v1", "/openai/deployments/whisper"],
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_any_base_address_will_do(client: Client, base: str, slash: str) -> None:
    path = f"{base}/audio/transcriptions{slash}"
    url = URL(str(client.make_url("/")).rstrip("/") + path, encoded=True)
    async with client.session.post(url, data=form()) as response:
        assert (response.status, (await response.json())["text"]) == (200, TEXT)
    async with client.session.get(url.with_path(f"{base}/models{slash}")) as response:
        assert (await response.json())["object"] == "list"
    metrics = await (await client.get("/metrics")).text()
    assert 'requests_total{outcome="ok",route="/v1/audio/transcriptions"} 1.0' in metrics


@pytest.mark.parametrize("path", ["/load", "/inference", "/v1/../load", "/v1/audio/speech"])
async def test_nothing_else_reaches_whisper_server(
    client: Client, whisper: FakeWhisper, path: str
) -> None:
    async with client.post(path, data=b"model=/etc/passwd") as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "unknown_url"
    assert "/load" not in whisper.paths


def test_everything_that_lives_as_long_as_the_process_is_there() -> None:
    app = create_app(Settings())
    for key in (keys.SETTINGS, keys.IN_FLIGHT, keys.METRICS, keys.DECODER, keys.ADMISSION):
        assert key in app
