import errno
import logging
import os
import re
from typing import NoReturn

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from whisper_proxy import health
from whisper_proxy.app import create_app
from whisper_proxy.keys import IN_FLIGHT
from whisper_proxy.middleware import observe
from whisper_proxy.settings import Settings

from .samples import Client

ID = re.compile(r"req_[0-9a-f]{32}")
LINE = re.compile(r"request id=req_[0-9a-f]{32} (.*) ms=\d+")


async def test_every_answer_has_an_id_of_its_own(client: Client) -> None:
    ids = set()
    for path in ("/", "/nowhere", "/v1/models/x"):
        async with client.get(path) as response:
            ids.add(response.headers["x-request-id"])
    assert len(ids) == 3
    assert all(ID.fullmatch(one) for one in ids)


async def test_a_request_is_one_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "whisper_proxy")
    async with client.get("/v1/models/a%0Ab?prompt=secret") as response:
        request_id = response.headers["x-request-id"]
    (line,) = caplog.messages
    assert line.startswith(f"request id={request_id} ")
    match = LINE.fullmatch(line)
    assert match
    assert match[1] == (
        "method=GET path=/v1/models/a%0Ab status=404 outcome=unknown_url audio_bytes=0"
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "unknown_url"),
        ("GET", "/v1/audio/speech", 404, "unknown_url"),
        ("POST", "/load", 404, "unknown_url"),
        ("POST", "/inference", 404, "unknown_url"),
        ("GET", "/v1/audio/transcriptions", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/audio/transcriptions", 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_served(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    async with client.request(method, path) as response:
        assert response.status == status
        error = (await response.json())["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert path in error["message"]
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_405_says_what_is_allowed(client: Client) -> None:
    async with client.get("/v1/audio/transcriptions") as response:
        assert response.headers["Allow"] == "POST"


async def test_a_fault_is_logged_and_not_shown(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: object) -> NoReturn:
        raise LookupError("an inner secret")

    monkeypatch.setattr(health, "generate_latest", broken)
    async with client.get("/metrics") as response:
        text = await response.text()
        assert response.status == 500
    assert '"server_error"' in text
    assert "secret" not in text
    assert "LookupError: an inner secret" in caplog.text
    assert response.headers["x-request-id"] in caplog.text


async def test_other_errors_of_aiohttp_keep_their_status() -> None:
    async def refuse(_: web.Request) -> NoReturn:
        raise web.HTTPExpectationFailed

    app = create_app(Settings())
    response = await observe(make_mocked_request("POST", "/", app=app), refuse)
    assert response.status == 417


async def test_a_request_while_it_drains_is_the_last_of_its_connection(client: Client) -> None:
    app = client.server.app  # type: ignore[attr-defined]
    async with client.get("/") as response:
        assert "Connection" not in response.headers
    await app[IN_FLIGHT].drain(0)
    async with client.get("/") as response:
        assert response.headers["Connection"] == "close"


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.EMFILE, 503, "out_of_resources"),
        (errno.EAGAIN, 503, "out_of_resources"),
        (errno.ENOSPC, 507, "disk_full"),
        (errno.EDQUOT, 507, "disk_full"),
    ],
)
async def test_what_runs_out_is_no_failure_of_the_proxy(
    number: int, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def exhausted(_: web.Request) -> NoReturn:
        raise OSError(number, os.strerror(number))

    request = make_mocked_request("GET", "/", app=create_app(Settings()))
    response = await observe(request, exhausted)
    assert isinstance(response, web.Response)
    assert response.status == status
    assert response.headers["Retry-After"].isdecimal()
    assert f'"code": "{code}"' in (response.text or "")
    assert "Traceback" not in caplog.text
