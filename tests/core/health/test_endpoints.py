"""Who listens where the services should, and what they answer there."""

import pytest

from tests.health import AGAIN, SERVER, SPOKEN, UNIT, URL
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health import endpoints
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.core.listeners import Listener

LOG = f"journalctl --user -u {SERVER} -n 20"


def test_a_port_is_the_user_s_own_or_names_who_has_it():
    own = Listener("127.0.0.1", 2022, 7, "whisper-server", 1000, "ada", SERVER_UNIT, 1000)
    at = ("127.0.0.1", 2022)
    assert endpoints.port("whisper_port", at, [own], 1000) == CheckResult(
        "whisper_port", f"2022: whisper-server in {SERVER_UNIT} (ada)"
    )
    assert endpoints.port("whisper_port", at, [own], 1001) == CheckResult(
        "whisper_port",
        f"2022 is taken by whisper-server in {SERVER_UNIT} (ada)",
        f"{DEPLOY_AGAIN} --data whisper_port=2032  # or end what has it",
    )
    assert endpoints.port("whisper_port", at, [], 1000).found == "2022: nobody else has it"


@pytest.mark.parametrize(
    ("heard", "body", "found", "fix"),
    [
        (SPOKEN, '{"wake_seconds": 1.94}', "a request has started it in 1.9 s", ""),
        (SPOKEN, '{"wake_seconds": null}', "a request has started it", ""),
        ("", "", "is not started by a request: no answer", "journalctl --user"),
        ("503 away", "", "is not started by a request: 503 away", "journalctl --user"),
    ],
)
def test_a_server_that_was_idle(heard: str, body: str, found: str, fix: str):
    result = endpoints.woken(heard, body)
    assert result.found.startswith("whisper-server was idle, as nothing was asked for, and ")
    assert result.found.endswith(found)
    assert result.fix.startswith(fix)
    assert bool(result.fix) == bool(fix)


@pytest.mark.parametrize(
    ("status", "body", "found", "fix"),
    [
        (200, '{"status": "ok"}', f"{URL} answers", ""),
        (200, "well", f"{URL} answers", ""),
        (0, "", f"nobody answers at {URL}", AGAIN),
        (503, '{"status":"loading model"}', f"{URL} says loading model", LOG),
        (404, "<html>", f"{URL} says HTTP status 404", LOG),
        (404, '["a"]', f"{URL} says HTTP status 404", LOG),
        (
            503,
            '{"status": "unavailable", "reason": "whisper-server is away or ill."}',
            f"{URL} says unavailable: whisper-server is away or ill",
            LOG,
        ),
        (
            200,
            '{"status": "degraded", "reason": "It is on the CPU; the doctor says why.", '
            '"in_use": "cpu"}',
            f"{URL} says degraded: It is on the CPU",
            "see device in use",
        ),
        (
            200,
            '{"status": "degraded", "reason": "ffmpeg is broken; x", "broken": ["decoder"]}',
            f"{URL} says degraded: ffmpeg is broken",
            "see decoding",
        ),
        (
            200,
            '{"status": "degraded", "reason": "No room.", "broken": ["spool"]}',
            f"{URL} says degraded: No room",
            "see uploads",
        ),
    ],
)
def test_a_server(status: int, body: str, found: str, fix: str):
    assert endpoints.endpoint("proxy", URL, status, body, UNIT) == CheckResult("proxy", found, fix)


@pytest.mark.parametrize(
    ("body", "ahead"),
    [('{"queue": {"running": 1, "waiting": 3, "limit": 32}}', 4), ("{}", 0), ("<html>", 0)],
)
def test_who_is_served_before(body: str, ahead: int):
    assert endpoints.requests_ahead(body) == ahead
