"""Whether a service can be reached from here: said, never failed."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.operations.conftest import Apply
from voicemode_whisper.operations.network import announce


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 403)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def said(apply: Apply, caplog: pytest.LogCaptureFixture, url: str) -> str:
    with caplog.at_level(logging.INFO, logger="pyinfra"):
        assert apply(announce, url=url) == 0
    return caplog.text


def test_a_service_that_answers(apply: Apply, caplog: pytest.LogCaptureFixture, port: int):
    url = f"http://127.0.0.1:{port}/health"
    assert f"{url} can be reached from here" in said(apply, caplog, url)


def test_no_proxy_is_asked(
    apply: Apply, caplog: pytest.LogCaptureFixture, port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    url = f"http://127.0.0.1:{port}/health"
    assert f"{url} can be reached from here" in said(apply, caplog, url)


def test_a_service_that_refuses(apply: Apply, caplog: pytest.LogCaptureFixture, port: int):
    text = said(apply, caplog, f"http://127.0.0.1:{port}/ill")
    assert "cannot be reached from here (status 403)" in text
    assert "add 127.0.0.1 to proxy_names" in text
    assert "ufw" not in text


def test_a_port_behind_a_firewall_or_nobody_s(apply: Apply, caplog: pytest.LogCaptureFixture):
    text = said(apply, caplog, "http://127.0.0.1:9/health")
    assert "cannot be reached from here (ConnectionError)" in text
    assert "sudo ufw allow 9/tcp" in text
