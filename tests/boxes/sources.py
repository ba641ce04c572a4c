"""What a deploy downloads, served over HTTP to the boxes alone.

    /pacman/  the pacman repository       /git/     git's smart HTTP, read only
    /models/  files, with ranges          /wheels/  a page of links for pip
    /pacman-hip/ and /wheels-hip/ for boxes with ROCm

Every request is logged as one line of JSON, so that a test can say what was fetched.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.log import access_logger

DIRECTORIES = ("pacman", "pacman-hip", "models", "wheels", "wheels-hip")
GIT_ROOT = web.AppKey("git_root", Path)
BLOCK = 1 << 16  # bytes


def make_app(git: Path, directories: Mapping[str, Path]) -> web.Application:
    """The server: git repositories below `git`, and each directory under its name."""
    app = web.Application()
    app[GIT_ROOT] = git
    app.router.add_route("*", "/git/{path:.*}", serve_git)
    for name, path in directories.items():
        app.router.add_static(f"/{name}", path, show_index=True)
    return app


async def serve_git(request: web.Request) -> web.StreamResponse:
    """Answer through `git http-backend` (CGI), which streams packs as it makes them."""
    body = await request.read()
    environment = cgi_environment(request, len(body))
    command = ("git", "http-backend")
    backend = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env=environment
    )
    try:
        return await _answer(request, backend, body)
    finally:
        await _end(backend)


async def _end(backend: Process) -> None:
    """It has said all, or its client has gone."""
    with suppress(ProcessLookupError):
        backend.kill()
    await backend.wait()


async def _answer(request: web.Request, backend: Process, body: bytes) -> web.StreamResponse:
    assert backend.stdin
    assert backend.stdout
    backend.stdin.write(body)
    backend.stdin.close()
    head = await backend.stdout.readuntil(b"\r\n\r\n")
    status, headers = cgi_head(head.decode())
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    while block := await backend.stdout.read(BLOCK):
        await response.write(block)
    await _end(backend)  # before the client may end this server
    await response.write_eof()
    return response


def cgi_environment(request: web.Request, length: int) -> dict[str, str]:
    """What git-http-backend(1) reads; the body was decompressed already."""
    return {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(request.app[GIT_ROOT]),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "PATH_INFO": "/" + request.match_info["path"],
        "QUERY_STRING": request.query_string,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(length),
        "REMOTE_ADDR": request.remote or "",
    }


def cgi_head(head: str) -> tuple[int, dict[str, str]]:
    """Status and headers of a CGI answer's head (RFC 3875, section 6)."""
    lines = (line.partition(":") for line in head.splitlines() if line)
    headers = {name: value.strip() for name, _, value in lines}
    return int(headers.pop("Status", "200").split()[0]), headers


class RequestLog(AbstractAccessLogger):
    """One JSON object a request, written when its answer is."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log the client's address, method, path with query, status and the body's bytes."""
        entry = {
            "client": request.remote,
            "method": request.method,
            "path": request.path_qs,
            "status": response.status,
            "size": response.content_length or response.body_length,
        }
        self.logger.info(json.dumps(entry))


def main() -> None:
    """Serve until ended; requests go to standard output, complaints to standard error."""
    parser = argparse.ArgumentParser(prog="python -m tests.boxes.sources")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--git", type=Path, required=True)
    for name in DIRECTORIES:
        parser.add_argument(f"--{name}", dest=name, type=Path)
    options = vars(parser.parse_args())
    access_logger.addHandler(logging.StreamHandler(sys.stdout))
    access_logger.setLevel(logging.INFO)
    app = make_app(options["git"], {name: options[name] for name in DIRECTORIES if options[name]})
    where = {"host": options["address"], "port": options["port"], "shutdown_timeout": 1}
    web.run_app(app, **where, access_log_class=RequestLog, print=None)


if __name__ == "__main__":
    main()
