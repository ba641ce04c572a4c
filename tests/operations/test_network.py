"""Whether a service can be reached from here: said, never failed."""

import logging
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.operations.conftest import Apply
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.operations import certificate
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


def said(
    apply: Apply, caplog: pytest.LogCaptureFixture, url: str, layout: Layout | None = None
) -> str:
    with caplog.at_level(logging.INFO, logger="pyinfra"):
        assert apply(announce, url=url, layout=layout) == 0
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


@pytest.fixture
def encrypted(apply: Apply, tmp_path: Path) -> Iterator[tuple[Layout, int]]:
    """A service with a certificate of the deploy's, and where its CA lies."""
    layout = Layout(str(tmp_path))
    apply(certificate.issued, layout=layout, proxy_host="127.0.0.1", given=())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(layout.certificate, layout.certificate_key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield layout, server.server_port
        server.shutdown()


def test_a_service_with_the_host_s_own_ca(
    apply: Apply, caplog: pytest.LogCaptureFixture, encrypted: tuple[Layout, int]
):
    layout, port = encrypted
    url = f"https://localhost:{port}/health"
    assert f"{url} can be reached from here" in said(apply, caplog, url, layout)


def test_a_certificate_that_is_not_trusted_here(
    apply: Apply, caplog: pytest.LogCaptureFixture, encrypted: tuple[Layout, int]
):
    _, port = encrypted
    text = said(apply, caplog, f"https://localhost:{port}/health")
    assert "(certificate: unable to get local issuer certificate)" in text
    assert "docs/tls.md says how clients come to trust" in text


def test_what_clients_are_to_trust_is_said(
    apply: Apply, caplog: pytest.LogCaptureFixture, encrypted: tuple[Layout, int]
):
    layout, _ = encrypted
    with caplog.at_level(logging.INFO, logger="pyinfra"):
        assert apply(certificate.announced, layout=layout) == 0
    assert f"clients trust {layout.ca}, SHA-256 " in caplog.text
