"""The client of HAProxy, as far as it needs none; test_pool_app.py has a real one."""

import json
from pathlib import Path

import pytest
from whisper_proxy.pool import Answer, NoAnswerError, Pool


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
