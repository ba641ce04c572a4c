"""The client of HAProxy, as far as it needs none; test_pool_app.py has a real one."""

import asyncio
import gc
import json
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.connector import Connection
from whisper_proxy.pool import REQUESTS_SOCKET, Answer, Form, NoAnswerError, Pool
from whisper_proxy.spool import MIB

from .spools import Spool


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (422, {"error": {"code": "audio_crashes_server"}}, "audio_crashes_server"),
        (200, {"error": {"code": "upstream_error"}}, ""),
        (502, {"error": {"code": None}}, ""),
        (502, {"error": {"code": 'injected"} 1'}}, ""),
        (502, {"error": {"code": "x" * 41}}, ""),
        (502, {"error": "upstream_error"}, ""),
        (502, [], ""),
    ],
)
def test_the_code_of_an_error_is_one_of_the_api_s_or_none(
    status: int, body: object, code: str
) -> None:
    assert Answer(status, {}, json.dumps(body).encode(), "m1").code == code


def test_what_is_no_json_has_no_code() -> None:
    assert Answer(502, {}, b"<html>", "m1").code == ""


async def test_without_haproxy_there_is_no_answer(tmp_path: Path) -> None:
    pool = Pool(str(tmp_path))
    with pytest.raises(NoAnswerError) as caught:
        await pool.get("/v1/models")
    await pool.close()
    assert (caught.value.taken, caught.value.sent, caught.value.member) == (False, False, "")


class ClosingConnector(aiohttp.UnixConnector):
    """Its connections are closing when they are had, and lost a moment later, as HAProxy ends."""

    async def connect(self, *args: Any, **options: Any) -> Connection:
        connection = await super().connect(*args, **options)
        assert isinstance(connection.transport, asyncio.WriteTransport)
        connection.transport.write(bytes(MIB))  # which nobody reads
        connection.transport.close()
        asyncio.get_running_loop().call_later(0.1, connection.transport.abort)
        return connection


async def test_a_connection_that_is_closing_is_no_answer_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiohttp, "UnixConnector", ClosingConnector)
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    with socket.socket(socket.AF_UNIX) as listening, Spool() as spool:
        listening.bind(str(tmp_path / REQUESTS_SOCKET))
        listening.listen()
        pool = Pool(str(tmp_path))
        with pytest.raises(NoAnswerError) as caught:
            await pool.transcribe(Form("/", spool, "text/plain"), taken=lambda: None)
        await asyncio.sleep(0.2)
        await pool.close()
    assert (caught.value.taken, caught.value.sent) == (False, False)
    gc.collect()
    assert told == []
