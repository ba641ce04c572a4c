"""fetch.sh before servers, proxies and disks that do not behave, with the real curl."""

import hashlib
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.facts.answers import program
from tests.operations.processes import command_lines
from voicemode_whisper.core.urls import download_options, masked
from voicemode_whisper.scripts import words

CONTENT = os.urandom(1 << 20)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PAGE = (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Welcome to the hotel</html>")
ASKS = "is a login page or a proxy in the way?"


@dataclass
class Answer:
    """What a server answers; `sent` of the body's bytes before it hangs up."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: int | None = None


class Server(ThreadingHTTPServer):
    """Answers as `answer` says, which gets the number of the request and the offset asked for.

    `requests` are the offsets, `logins` what stood in Authorization; `command_lines` are those of
    the machine meanwhile, if `looks`.
    """

    answer: Callable[[int, int], Answer]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[int] = []
        self.logins: list[str] = []
        self.looks, self.command_lines = False, ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/model.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.requests.append(start)
        self.server.logins.append(self.headers.get("Authorization", ""))
        if self.server.looks:
            self.server.command_lines += command_lines()
        found = self.server.answer(len(self.server.requests), start)
        self.send_response(found.status)
        for name, value in ({"Content-Length": str(len(found.body))} | found.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(found.body[: found.sent])

    def log_message(self, *_: object) -> None:
        pass


def part(start: int, content: bytes = CONTENT, sent: int | None = None, **headers: str) -> Answer:
    """The file from this byte on, as a server with ranges sends it."""
    ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
    return Answer(206 if start else 200, {**ranged, **headers}, content[start:], sent)


@dataclass(frozen=True)
class Run:
    status: int
    output: str
    error: str


@dataclass(frozen=True)
class Fetch:
    """Runs fetch.sh for the file at `path`; `naps` is for how long it slept, in words."""

    path: Path
    programs: Path

    @property
    def part(self) -> Path:
        return self.path.parent / f".{self.path.name}.{SHA256[:12]}.part"

    @property
    def naps(self) -> list[str]:
        return [nap for nap in (self.programs / "naps").read_text().split() if nap != "0.2"]

    def __call__(self, url: str, size: int | str = "", **environment: str) -> Run:
        options = "\n".join(download_options(url))
        done = subprocess.run(
            words("fetch", masked(url), str(self.path), SHA256, str(size)),
            input=options, capture_output=True, text=True, timeout=60,
            env={**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}", **environment},
        )  # fmt: skip
        return Run(done.returncode, done.stdout, done.stderr)

    def refused(self, url: str, size: int | str = "", **environment: str) -> str:
        """The one line of a run that fails."""
        run = self(url, size, **environment)
        assert run.status == 1
        (line,) = run.error.splitlines()
        return line


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    programs = tmp_path / "bin"
    program(programs, "sleep", f'echo "$1" >> {programs}/naps\nexec /bin/sleep 0.02')
    return Fetch(tmp_path / "ggml-model.bin", programs)


def test_forty_cuts_do_not_end_a_download_that_gets_on(server: Server, fetch: Fetch):
    step = len(CONTENT) // 40
    server.answer = lambda _, start: part(start, sent=step)
    assert fetch(server.url).status == 0
    assert fetch.path.read_bytes() == CONTENT
    assert server.requests == [*range(0, len(CONTENT), step)]


def test_what_brings_nothing_is_given_up(server: Server, fetch: Fetch):
    server.answer = lambda _, start: part(start, sent=100)
    said = fetch.refused(server.url)
    assert f"model: cannot download {server.url}: " in said
    assert said.endswith("run again, which goes on from 0/1 MB")
    assert len(server.requests) == 5
    assert fetch.naps == ["2", "4", "8"]


def test_a_server_without_ranges_that_always_hangs_up_is_given_up(server: Server, fetch: Fetch):
    server.answer = lambda *_: Answer(200, body=CONTENT, sent=len(CONTENT) // 2)
    assert "cannot download" in fetch.refused(server.url)
    assert len(server.requests) < 10


def test_a_page_is_told_from_a_model(server: Server, fetch: Fetch):
    server.answer = lambda *_: Answer(*PAGE)
    assert fetch.refused(server.url) == (
        f"model: cannot download {server.url}: it answered 200 with a web page (text/html): {ASKS}"
    )
    assert list(fetch.path.parent.glob(".*")) == []


def test_a_page_does_not_cost_what_was_there(server: Server, fetch: Fetch):
    fetch.part.write_bytes(CONTENT[:1000])
    server.answer = lambda *_: Answer(*PAGE)
    assert ASKS in fetch.refused(server.url)
    assert fetch.part.read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize(
    ("answer", "said", "requests"),
    [
        (Answer(401), "wants credentials, or others than those that the URL has (401)", 1),
        (Answer(403, *PAGE[1:]), f"it answered 403 with a web page (text/html): {ASKS}", 1),
        (Answer(404, *PAGE[1:]), "it has nothing there (404)", 1),
        (Answer(407), "the proxy wants a user name and a password (407)", 1),
        (Answer(500), "it answered 500", 5),
        (Answer(503, *PAGE[1:]), f"it answered 503 with a web page (text/html): {ASKS}", 5),
        (Answer(302, {"Location": "/model.bin"}), "aximum (50) redirects followed", 51),
        (Answer(429, {"Retry-After": "3600"}), "asks to wait for 3600 seconds; run again then", 1),
    ],
)
def test_what_is_refused_is_said(
    server: Server, fetch: Fetch, answer: Answer, said: str, requests: int
):
    server.answer = lambda *_: answer
    assert said in fetch.refused(server.url)
    assert len(server.requests) == requests


def test_a_server_is_given_the_time_that_it_asks_for(server: Server, fetch: Fetch):
    then = format(datetime.now(UTC) + timedelta(seconds=30), "%a, %d %b %Y %H:%M:%S GMT")
    busy = [Answer(429, {"Retry-After": "7"}), Answer(503, {"Retry-After": then}), Answer(500)]
    server.answer = lambda number, start: [*busy, part(start)][number - 1]
    assert fetch(server.url).status == 0
    assert fetch.naps[0] == "7"
    assert 25 <= int(fetch.naps[1]) <= 30
    assert fetch.naps[2] == "4"


def test_no_more_is_downloaded_than_the_model_has(server: Server, fetch: Fetch):
    server.answer = lambda *_: Answer(200, body=CONTENT * 3)
    said = fetch.refused(server.url, size=len(CONTENT))
    assert "it is larger than the 1 MB that ggml-model.bin has" in said
    assert list(fetch.path.parent.glob(".*")) == []


def test_a_file_that_is_too_small_is_told_with_its_size(server: Server, fetch: Fetch):
    server.answer = lambda *_: Answer(200, body=CONTENT[:-1])
    said = fetch.refused(server.url, size=len(CONTENT))
    assert f"{len(CONTENT) - 1} bytes instead of {len(CONTENT)}" in said


def test_an_encoding_that_nobody_asked_for_is_named(server: Server, fetch: Fetch):
    server.answer = lambda *_: Answer(200, {"Content-Encoding": "gzip"}, b"packed")
    assert "sent with Content-Encoding: gzip" in fetch.refused(server.url)


def test_a_file_that_changes_between_two_tries_is_downloaded_anew(server: Server, fetch: Fetch):
    old = part(0, bytes(len(CONTENT)), sent=500_000, ETag='"old"')
    server.answer = lambda number, start: old if number == 1 else part(start, ETag='"new"')
    run = fetch(server.url)
    assert run.status == 0
    assert "it changed on the server meanwhile, and is downloaded anew" in run.output
    assert server.requests == [0, 500_000, 0]
    assert fetch.path.read_bytes() == CONTENT


def test_a_damaged_piece_of_an_earlier_run_is_said_to_be(server: Server, fetch: Fetch):
    fetch.part.write_bytes(bytes(1000))
    server.answer = lambda _, start: part(start)
    run = fetch(server.url)
    assert run.status == 0
    assert "what came in several pieces does not match its SHA-256" in run.output


def test_pieces_of_another_version_of_the_model_are_removed(server: Server, fetch: Fetch):
    other = fetch.part.with_name(f".{fetch.path.name}.0123456789ab.part")
    other.write_bytes(b"old")
    server.answer = lambda _, start: part(start)
    assert fetch(server.url).status == 0
    assert not other.exists()


def test_a_full_disk_is_told_with_the_room_that_is_there(server: Server, fetch: Fetch):
    fetch.part.symlink_to("/dev/full")
    server.answer = lambda _, start: part(start)
    said = fetch.refused(server.url)
    assert f"cannot write to {fetch.path.parent}: " in said
    assert " MB are free" in said
    assert len(server.requests) == 1


def test_a_host_that_has_no_address_is_named(fetch: Fetch):
    assert "ould not resolve host: nothing.invalid" in fetch.refused("http://nothing.invalid/m.bin")


@pytest.mark.parametrize(("began", "said"), [(1, "not yet valid"), (-3, "has expired")])
def test_the_clock_is_named_where_a_certificate_is_not_valid_now(
    server: Server, fetch: Fetch, tmp_path: Path, began: int, said: str
):
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(make_certificate(datetime.now(UTC) + timedelta(days=began)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = server.url.replace("http", "https")
    line = fetch.refused(url, CURL_CA_BUNDLE=str(certificate))
    assert said in line
    assert f"this machine's clock says {datetime.now(UTC):%Y-%m-%d}" in line


def make_certificate(begins: datetime) -> bytes:
    """A key and its own certificate for 127.0.0.1, valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + timedelta(1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(form, *private) + made.public_bytes(form)


@pytest.mark.parametrize(
    ("made", "said"), [(None, "which is not there"), ("directory", "which is no file that")]
)
def test_a_path_that_cannot_be_read_is_named(
    fetch: Fetch, tmp_path: Path, made: str | None, said: str
):
    own = tmp_path / "it's mine.bin"
    if made:
        own.mkdir()
    line = fetch.refused(f"file://{tmp_path}/it%27s%20mine.bin")
    assert line.startswith(f"model: got {own}, {said}")


def test_credentials_are_sent_and_shown_nowhere(server: Server, fetch: Fetch):
    server.answer = lambda number, start: Answer(500) if number == 1 else part(start)
    server.looks = True
    url = server.url.replace("//", "//ada:s3cr3t%2F@") + "?token=t0k3n"
    run = fetch(url, PROGRESS_INTERVAL="1")
    assert run.status == 0
    assert server.logins == ["Basic YWRhOnMzY3IzdC8="] * 2
    server.answer = lambda *_: Answer(404)
    fetch.path.unlink()
    refused = fetch.refused(url)
    assert "http://***@127.0.0.1" in refused
    for secret in ("s3cr3t", "t0k3n"):
        assert secret not in run.output + run.error + refused
        assert secret not in server.command_lines
