"""Downloads, with the real curl, from a server on loopback that can resume."""

import hashlib
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pyinfra.api import output

from tests.operations.conftest import Apply, Failed
from voicemode_whisper.core.models import (
    Model,
    ModelFile,
    candidate_files,
    choose_file,
    resolve_model,
)
from voicemode_whisper.facts.models import ModelFiles
from voicemode_whisper.operations.download import verified
from voicemode_whisper.scripts import words

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


class WithoutRanges(Handler):
    """Sends all of it, whatever part is asked for; the first time it hangs up half way."""

    def do_GET(self) -> None:
        self.server.starts.append(int(self.headers.get("Range", "bytes=0-")[6:-1]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        cut_off = self.path == "/cut-off.bin" and len(self.server.starts) == 1
        self.wfile.write(CONTENT[: len(CONTENT) // 2 if cut_off else None])


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


def test_from_a_server_without_ranges_it_is_downloaded_anew(apply: Apply, path: Path):
    partial(path).write_bytes(CONTENT[:1000])
    with serving(WithoutRanges) as source:
        apply(verified, url=source.url, path=str(path), sha256=SHA256)
    assert path.read_bytes() == CONTENT
    assert source.starts == [1000, 0]


def test_what_such_a_server_cuts_off_is_downloaded_anew_in_the_same_run(apply: Apply, path: Path):
    with serving(WithoutRanges) as source:
        url = source.url.replace("model", "cut-off")
        apply(verified, url=url, path=str(path), sha256=SHA256)
    assert path.read_bytes() == CONTENT
    assert source.starts == [0, len(CONTENT) // 2, 0]


def test_a_part_that_is_longer_than_its_source_is_downloaded_anew(
    apply: Apply, path: Path, tmp_path: Path
):
    (tmp_path / "own.bin").write_bytes(CONTENT)
    partial(path).write_bytes(bytes(2 * len(CONTENT)))
    apply(verified, url=f"file://{tmp_path}/own.bin", path=str(path), sha256=SHA256)
    assert path.read_bytes() == CONTENT


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


def test_a_download_is_told_from_what_was_there(apply: Apply, source: Source, path: Path):
    apply(verified, url=source.url, path=str(path), sha256=SHA256)
    stamp = path.with_name(f"{path.name}.sha256")
    assert stamp.read_text().endswith(" downloaded\n")
    # It is stamped again, but still ours.
    path.touch()
    os.utime(path, (1, 1))
    assert apply(verified, url=source.url, path=str(path), sha256=SHA256) == 1
    assert stamp.read_text().endswith(" downloaded\n")
    own = path.with_name("own.bin")
    own.write_bytes(CONTENT)
    apply(verified, url=source.url, path=str(own), sha256=SHA256)
    assert "downloaded" not in own.with_name("own.bin.sha256").read_text()


def test_damage_that_changes_neither_size_nor_times_nor_inode_is_noticed(
    apply: Apply, source: Source, path: Path
):
    arguments = {"url": source.url, "path": str(path), "sha256": SHA256}
    apply(verified, **arguments)
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(len(CONTENT) // 2)
        file.write(bytes(8192))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert apply(verified, **arguments) > 0
    assert path.read_bytes() == CONTENT
    assert apply(verified, **arguments) == 0


def test_what_may_have_read_a_damaged_file_is_restarted(
    apply: Apply, source: Source, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Once: neither where there was no file before, nor where it is well."""
    asked = tmp_path / "asked"
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{systemctl.parent}:{os.environ['PATH']}")
    arguments = {"url": source.url, "path": str(path), "sha256": SHA256, "used_by": "a.service"}
    apply(verified, **arguments)
    assert not asked.exists()
    path.write_bytes(b"damaged")
    apply(verified, **arguments)
    apply(verified, **arguments)
    assert asked.read_text() == "--user try-restart a.service\n"


def test_a_model_of_the_same_name_does_not_replace_the_one_that_serves(
    apply: Apply, tmp_path: Path
):
    """Were it replaced, what is rolled back to would serve with the model that failed."""
    models, sources = tmp_path / "models", tmp_path / "sources"
    models.mkdir()
    names = []
    for text in ("the old model", "the new, broken model"):
        own = sources / text / "ggml-own.bin"
        own.parent.mkdir(parents=True)
        own.write_text(text)
        model = resolve_model(str(own), hashlib.sha256(text.encode()).hexdigest(), "")
        name = choose_file(model, there(models, model))
        apply(verified, url=model.url, path=f"{models}/{name}", sha256=model.sha256)
        assert choose_file(model, there(models, model)) == name
        names.append(name)
    assert names == ["ggml-own.bin", f"ggml-own-{model.sha256[:12]}.bin"]
    assert [(models / name).read_text() for name in names] == [
        "the old model",
        "the new, broken model",
    ]


def there(models: Path, model: Model) -> dict[str, ModelFile]:
    """What the host says of the files that may be this model."""
    fact = ModelFiles()
    command = str(fact.command(directory=str(models), names=candidate_files(model)))
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    return fact.process(said.stdout.splitlines())


@pytest.mark.parametrize("stamped", [True, False])
def test_a_file_is_known_by_its_stamp_as_long_as_that_is_its_own(tmp_path: Path, stamped: bool):
    model = resolve_model(f"{tmp_path}/ggml-own.bin", SHA256, "")
    path = tmp_path / "ggml-own.bin"
    assert there(tmp_path, model) == {}
    path.write_bytes(CONTENT)
    assert there(tmp_path, model) == {path.name: ModelFile(SHA256)}
    # The sum in the stamp is believed: this one was never taken.
    subprocess.run(words("stamp", str(path), "0" * 64, "downloaded"), check=True)
    if not stamped:
        path.write_bytes(CONTENT[:-1])
        damaged = hashlib.sha256(CONTENT[:-1]).hexdigest()
        assert there(tmp_path, model) == {path.name: ModelFile(damaged, False, "0" * 64)}
    else:
        assert there(tmp_path, model) == {path.name: ModelFile("0" * 64, True, "0" * 64)}
    assert there(tmp_path / "none", model) == {}


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
    monkeypatch.setenv("PROGRESS_INTERVAL", "1")
    sha256 = hashlib.sha256(bytes(Slow.LENGTH)).hexdigest()
    partial(path, sha256).write_bytes(bytes(there))
    apply(verified, url=f"{slow.url[:-9]}{name}", path=str(path), sha256=sha256)
    assert re.fullmatch(shown, said[0])
    assert path.stat().st_size == Slow.LENGTH
