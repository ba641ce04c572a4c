"""What is served, and that nothing else is."""

import pytest
from whisper_proxy import keys
from whisper_proxy.app import create_app
from whisper_proxy.settings import Settings

from .fake_whisper import FakeWhisper
from .samples import Client


def test_the_routes_are_these_and_no_others() -> None:
    routes = create_app(Settings()).router.routes()
    assert {(route.method, route.resource.canonical) for route in routes if route.resource} == {
        *((method, "/") for method in ("GET", "HEAD")),
        *((method, "/health") for method in ("GET", "HEAD")),
        *((method, "/metrics") for method in ("GET", "HEAD")),
        *((method, "/v1/models") for method in ("GET", "HEAD")),
        *((method, "/v1/models/{name}") for method in ("GET", "HEAD")),
        ("POST", "/v1/audio/transcriptions"),
        ("POST", "/v1/audio/translations"),
    }


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
