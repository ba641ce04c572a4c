"""Downloads, with the real curl, from a server on loopback that can resume."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pyinfra.api import output

from operations.download import verified
from tests.operations.conftest import Apply, Failed

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Source(ThreadingHTTPServer):
    """Serves CONTENT at /model.bin with ranges; `starts` are the offsets that were asked for."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.starts: list[int] = []
        self.go_on = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/model.bin"


class Handler(BaseHTTPRequestHandler):
    server: Source

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.starts.append(start)
        if self.path != "/model.bin":
            self.send_error(404)
        elif start >= len(CONTENT):
            self.send_error(416)
        else:
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.end_headers()
            self.wfile.write(CONTENT[start:])

    def log_message(self, *_: object) -> None:
        pass


class Slow(Handler):
    """Serves nine megabytes after a redirect, the last one not before `go_on` is set.

    Of /unsized.bin it does not say how many they are.
    """

    LENGTH = 9_000_000

    def do_GET(self) -> None:
        if "redirected" not in self.path:
            self.send_response(302)
            self.send_header("Location", f"/redirected{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{self.LENGTH - 1}/{self.LENGTH}")
        if "unsized" not in self.path:
            self.send_header("Content-Length", str(self.LENGTH - start))
        self.end_headers()
        self.wfile.write(bytes(self.LENGTH - start - 1_000_000))
        self.server.go_on.wait(timeout=30)
        self.wfile.write(bytes(1_000_000))


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[Source]:
    with Source(handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def source() -> Iterator[Source]:
    with serving(Handler) as server:
        yield server


@pytest.fixture
def slow() -> Iterator[Source]:
    with serving(Slow) as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ggml-it's.bin"


def partial(path: Path, sha256: str = SHA256) -> Path:
    return path.parent / f".{path.name}.{sha256[:12]}.part"


def test_a_file_is_downloaded_once(apply: Apply, source: Source, path: Path):
    arguments = {"url": source.url, "path": str(path), "sha256": SHA256}
    assert apply(verified, **arguments) > 0
    assert apply(verified, **arguments) == 0
    assert path.read_bytes() == CONTENT
    assert source.starts == [0]
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, f"{path.name}.sha256"}


def test_what_was_cut_off_is_resumed(apply: Apply, source: Source, path: Path):
    partial(path).write_bytes(CONTENT[:1000])
    apply(verified, url=source.url, path=str(path), sha256=SHA256)
    assert path.read_bytes() == CONTENT
    assert source.starts == [1000]


def test_what_was_complete_but_not_in_place_is_not_downloaded_again(
    apply: Apply, source: Source, path: Path
):
    partial(path).write_bytes(CONTENT)
    apply(verified, url=source.url, path=str(path), sha256=SHA256)
    assert path.read_bytes() == CONTENT
    assert source.starts == []


def test_a_whole_but_damaged_partial_file_is_downloaded_anew(
    apply: Apply, source: Source, path: Path
):
    partial(path).write_bytes(bytes(len(CONTENT)))
    apply(verified, url=source.url, path=str(path), sha256=SHA256)
    assert path.read_bytes() == CONTENT


def test_a_file_with_another_sum_is_deleted_and_the_old_one_stays(
    apply: Apply, source: Source, path: Path
):
    path.write_bytes(b"old")
    with pytest.raises(Failed, match="does not match its SHA-256"):
        apply(verified, url=source.url, path=str(path), sha256="0" * 64)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_the_right_file_that_was_there_is_stamped_not_fetched(
    apply: Apply, source: Source, path: Path
):
    path.write_bytes(CONTENT)
    arguments = {"url": source.url, "path": str(path), "sha256": SHA256}
    assert apply(verified, **arguments) == 1
    assert apply(verified, **arguments) == 0
    assert source.starts == []


def test_a_file_that_changed_since_its_stamp_is_replaced(apply: Apply, source: Source, path: Path):
    arguments = {"url": source.url, "path": str(path), "sha256": SHA256}
    apply(verified, **arguments)
    path.write_bytes(CONTENT[:-1])
    assert apply(verified, **arguments) > 0
    assert path.read_bytes() == CONTENT


def test_what_is_not_there_is_said_at_once(apply: Apply, source: Source, path: Path):
    with pytest.raises(Failed, match=r"cannot download .*nothing.bin"):
        apply(verified, url=f"{source.url[:-9]}nothing.bin", path=str(path), sha256=SHA256)
    assert source.starts == [0]


def test_a_path_on_the_host_is_a_source_too(apply: Apply, path: Path, tmp_path: Path):
    own = tmp_path / "own.bin"
    own.write_bytes(CONTENT)
    apply(verified, url=f"file://{own}", path=str(path), sha256=SHA256)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("name", "there", "shown"),
    [
        ("model.bin", 0, r"ggml-it's.bin: [0-8]/9 MB"),
        ("model.bin", 3_000_000, r"ggml-it's.bin: [3-8]/9 MB"),
        ("unsized.bin", 0, r"ggml-it's.bin: [0-8] MB"),
    ],
)
def test_what_takes_long_says_how_far_it_is(
    apply: Apply, slow: Source, path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, there: int, shown: str,
):  # fmt: skip
    said: list[str] = []

    def echo(line: str, **_: object) -> None:
        said.append(line.split("] ")[1])
        slow.go_on.set()

    monkeypatch.setattr(output, "set_echo", lambda _: None)
    monkeypatch.setattr(output, "_echo", echo)
    monkeypatch.setenv("SHOWN_EVERY", "1")
    sha256 = hashlib.sha256(bytes(Slow.LENGTH)).hexdigest()
    partial(path, sha256).write_bytes(bytes(there))
    apply(verified, url=f"{slow.url[:-9]}{name}", path=str(path), sha256=sha256)
    assert re.fullmatch(shown, said[0])
    assert path.stat().st_size == Slow.LENGTH
