"""The sources server, with real git and real ranges."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.boxes import sources, whisper_git


async def git(*words: str | Path) -> str:
    """Run git and return what it prints."""
    environment = {**whisper_git.environment(), "HOME": os.devnull}
    child = await asyncio.create_subprocess_exec(
        "git", *words, stdout=asyncio.subprocess.PIPE, env=environment
    )
    out, _ = await child.communicate()
    assert child.returncode == 0, words
    return out.decode().strip()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    """A server of one repository with two commits, and a directory of models."""
    bare = tmp_path / "git/whisper.cpp"
    await git("init", "-q", "--bare", "-b", "master", bare)
    for key, value in whisper_git.CONFIG.items():
        await git("-C", bare, "config", key, value)
    for number in (1, 2):
        tree = tmp_path / f"tree{number}"
        tree.mkdir()
        (tree / "file").write_text(str(number))
        whisper_git.commit(bare, tree, f"v{number}", f"160000000{number} +0000")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/m.bin").write_bytes(b"0123456789")
    app = sources.make_app(tmp_path / "git", {"models": tmp_path / "models"})
    async with TestServer(app) as running:
        yield running


async def test_a_commit_that_is_no_tip_can_be_fetched_alone(
    server: TestServer, tmp_path: Path
) -> None:
    url = str(server.make_url("/git/whisper.cpp"))
    commit = (await git("ls-remote", url, "refs/tags/v1")).split()[0]
    clone = tmp_path / "clone"
    await git("init", "-q", clone)
    await git("-C", clone, "fetch", "-q", "--depth", "1", url, commit)
    assert await git("-C", clone, "show", f"{commit}:file") == "1"


async def test_there_is_no_pushing(server: TestServer) -> None:
    async with TestClient(server) as client:
        answer = await client.get("/git/whisper.cpp/info/refs?service=git-receive-pack")
        assert answer.status == 403


async def test_a_download_can_go_on_where_it_stopped(server: TestServer) -> None:
    async with TestClient(server) as client:
        answer = await client.get("/models/m.bin", headers={"Range": "bytes=7-"})
        assert (answer.status, await answer.read()) == (206, b"789")


async def test_a_directory_is_a_page_of_links(server: TestServer) -> None:
    async with TestClient(server) as client:
        answer = await client.get("/models/")
        assert 'href="/models/m.bin"' in await answer.text()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("Content-Type: a/b\r\n\r\n", (200, {"Content-Type": "a/b"})),
        ("Status: 404 Not Found\r\nExpires: x: y\r\n\r\n", (404, {"Expires": "x: y"})),
    ],
)
def test_a_cgi_head_has_a_status_or_means_200(head: str, expected: object) -> None:
    assert sources.cgi_head(head) == expected


def test_a_request_is_one_line_of_json(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    request: Any = SimpleNamespace(remote="10.65.1.2", method="GET", path_qs="/models/m.bin")
    response: Any = SimpleNamespace(status=206, content_length=3, body_length=0)
    sources.RequestLog(logging.getLogger(), "").log(request, response, 0.1)
    asked = {"client": "10.65.1.2", "method": "GET", "path": "/models/m.bin"}
    entry = {**asked, "status": 206, "size": 3}
    assert [json.loads(message) for message in caplog.messages] == [entry]
